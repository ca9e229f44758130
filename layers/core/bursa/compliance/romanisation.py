"""Names of other scripts in Latin letters, roughly as a passport would spell them.

Cyrillic, Greek and Arabic by letter (ICAO 9303 part 3 section 6 where it has a row; Arabic leaves
its short vowels out, which `bursa.compliance.names` knows), Chinese by the characters that are
usual in names. A character that is not here can't be compared, and is refused rather than dropped:
a name that nobody compared must not look like one without hits.
"""

import unicodedata
from typing import Final

from bursa.kernel.errors import InvalidInput

# Latin letters that Unicode does not take apart.
_LATIN: Final = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ł": "l",
    "ħ": "h",
    "ı": "i",
    "ŋ": "n",
    "ə": "a",
    "ʻ": "",
    "ʼ": "",
    "ʿ": "",
    "ʾ": "",
    "ŧ": "t",
}
_CYRILLIC: Final = {
    **dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True)),
    "ё": "e",
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ъ": "",
    "ь": "",
    "ю": "yu",
    "я": "ya",
    "є": "ye",
    "і": "i",
    "ї": "yi",
    "ґ": "g",
    "ў": "w",
    "ј": "j",
    "љ": "lj",
    "њ": "nj",
    "ђ": "dj",
    "ћ": "c",
    "џ": "dz",
    "ѓ": "g",
    "ќ": "k",
    "ѕ": "dz",
    "қ": "k",
    "ғ": "g",
    "ң": "n",
    "ө": "o",
    "ү": "u",
    "ұ": "u",
    "һ": "h",
    "ә": "a",
}
# Pairs first: they are looked for before the letters.
_GREEK: Final = {
    "ου": "ou",
    "αυ": "av",
    "ευ": "ev",
    "γγ": "ng",
    "γκ": "gk",
    "γξ": "nx",
    "γχ": "nch",
    **dict(zip("αβγδεζηικλμνοπρσςτυφω", "avgdeziiklmnoprsstyfo", strict=True)),
    "θ": "th",
    "ξ": "x",
    "χ": "ch",
    "ψ": "ps",
}
_ARABIC: Final = {
    **dict(zip("ابتجحدرزسصضطظعفقكلمنهوي", "abtjhdrzssdtzafqklmnhwy", strict=True)),
    "ث": "th",
    "خ": "kh",
    "ذ": "dh",
    "ش": "sh",
    "غ": "gh",
    "ة": "",
    "ى": "a",
    "ء": "",
    "پ": "p",
    "چ": "ch",
    "ژ": "zh",
    "گ": "g",
    "ک": "k",
    "ی": "y",
    "ٱ": "a",
    "ـ": "",
}
# The syllables of characters that are usual in names; tones don't matter here.
_SYLLABLES: Final = """
ai爱艾 an安 bai白柏 bao宝保包鲍 bei贝北 bin斌彬宾 bing冰兵炳 bo波博伯 cai蔡才财 cao曹 chang昌常畅
chao超朝 chen陈晨辰 cheng成程诚城承 chong崇冲 chuan川传 chun春纯 cong聪 cui崔翠 da大达 dai戴代
dan丹 dao道 de德 deng邓登 di迪 ding丁定 dong东董冬栋 du杜 duan段 en恩 fan范凡樊 fang方芳房 fei飞菲
fen芬 feng冯峰风锋丰凤 fu福富付傅 gan甘 gang刚钢 gao高 ge葛戈 gong龚宫 gu顾谷 guan关冠 guang光广
gui贵桂 guo郭国 hai海 han韩汉寒 hao郝浩昊豪 he何贺和河鹤 heng恒 hong红宏洪鸿虹 hou侯 hu胡湖虎
hua华花 huan欢 huang黄皇 hui辉慧惠会 huo霍 ji季吉纪济 jia贾家佳嘉 jian建健剑 jiang江蒋姜 jiao焦
jie杰洁 jin金进锦晋近 jing静京晶景敬 jiu九久 ju菊 juan娟 jun军俊君钧 kai凯开 kang康 ke柯可科
kong孔 kun坤昆 lai赖 lan兰岚蓝 lang朗 lei雷磊蕾 li李丽力利黎立莉理 lian连莲廉 liang梁亮良 liao廖
lin林琳霖 ling玲凌灵令 liu刘柳六 long龙隆 lu卢陆鲁路 luan栾 luo罗骆洛 lv吕 ma马 man满曼 mao毛茂
mei梅美 meng孟梦蒙 miao苗淼 min敏民闵 ming明铭鸣 mo莫墨 mu穆牧木 na娜 nan南楠 ni倪妮 nian年 ning宁
niu牛 ou欧 pan潘盼 peng彭鹏 pei裴培佩 ping平萍 pu蒲 qi齐琪奇启祁 qian钱倩谦 qiang强 qiao乔
qin秦琴勤 qing清青庆卿 qiu邱秋丘 quan全权泉 ran冉然 ren任仁 rong荣容蓉 ru茹如 rui瑞锐 run润
shan山珊单 shao邵少 shen沈申深 sheng盛胜生升 shi石史施世诗时 shu舒书淑 shuai帅 shuang双 shun顺
si司思四 song宋松 su苏素 sun孙 tai泰 tan谭谈 tang唐汤 tao陶涛 teng滕 tian田天 tie铁 ting婷庭
tong童彤同 tu涂 wan万婉 wang王汪旺 wei魏韦伟卫威薇巍维 wen文温雯 weng翁 wu吴武伍 xi习喜席希熙
xia夏霞 xian先贤 xiang向祥翔香 xiao萧肖小晓笑孝 xie谢 xin新欣鑫辛心 xing邢兴星 xiong熊雄 xiu秀修
xu徐许旭 xuan宣轩 xue薛雪学 xun荀 ya雅亚 yan严颜燕艳岩 yang杨阳洋 yao姚瑶 ye叶 yi易一义怡毅艺
yin尹殷银 ying英颖应莹 yong勇永 you尤友 yu于余玉宇雨俞育 yuan袁元源远 yue岳月悦 yun云芸 zeng曾增
zhai翟 zhan詹战 zhang张章 zhao赵兆 zhe哲 zhen珍振真甄 zheng郑正政 zhi志智芝 zhong钟中忠 zhou周洲
zhu朱祝竹珠 zhuang庄 zhuo卓 zi子紫 zong宗 zou邹 zu祖 zuo左 陈陳 张張 刘劉 杨楊 黄黃 吴吳 孙孫 马馬
罗羅 郑鄭 谢謝 韩韓 许許 邓鄧 萧蕭 冯馮 叶葉 苏蘇 吕呂 卢盧 蒋蔣 贾賈 赵趙 国國 东東 龙龍 军軍
伟偉 华華 丽麗 强強 刚剛 飞飛 云雲 兰蘭 荣榮 义義 庆慶 杰傑 宝寶 凤鳳 红紅
"""
_COMPOUND_SURNAMES: Final = frozenset({"欧阳", "司马", "上官", "令狐", "司徒"})


def _chinese() -> dict[str, str]:
    table: dict[str, str] = {}
    for row in _SYLLABLES.split():
        syllable = "".join(filter(str.isascii, row))
        for character in row[len(syllable) :]:
            # A row without a syllable: a character and its traditional form.
            table[character] = syllable or table[row[0]]
    return table


_CHINESE: Final = _chinese()
_LETTERS: Final = _LATIN | _CYRILLIC | _GREEK | _ARABIC
_PAIRS: Final = tuple(pair for pair in _GREEK if len(pair) > 1)
_APOSTROPHES: Final = frozenset("'’‘`´ʹ")


def romanise(text: str) -> str:
    """Return a name in the letters a to z and spaces.

    Raises
    ------
    InvalidInput
        ``name_not_readable``

    """
    # Composed first, so that a letter of its own, such as й, is found before its accent is lost.
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _chinese_apart(plain)
    for pair in _PAIRS:
        plain = plain.replace(pair, _GREEK[pair])
    return " ".join("".join(map(_letter, plain)).split())


def _chinese_apart(text: str) -> str:
    """Return a text whose Chinese words are family name and given name, in Latin letters."""
    words = []
    for word in text.split():
        if not all(character in _CHINESE for character in word):
            words.append(word)
            continue
        first = 2 if word[:2] in _COMPOUND_SURNAMES and len(word) > 2 else 1  # noqa: PLR2004
        words += ["".join(map(_CHINESE.__getitem__, part)) for part in (word[:first], word[first:])]
    return " ".join(words)


def _letter(character: str) -> str:
    if character.isascii():
        if character.isalpha():
            return character
        if character.isdigit():
            raise _unreadable(character)
        return "" if character in _APOSTROPHES else " "
    if character in _APOSTROPHES:
        return ""
    found = _LETTERS.get(character, _CHINESE.get(character))
    if found is not None:
        return found
    parts = unicodedata.normalize("NFKD", character)
    kept = [part for part in parts if not unicodedata.combining(part)]
    if kept != [character]:
        return "".join(map(_letter, kept))
    if unicodedata.category(character)[0] in "PZCS":
        # Joiners and marks of direction are no letters; a dash or a dot parts words.
        return "" if unicodedata.category(character) == "Cf" else " "
    raise _unreadable(character)


def _unreadable(character: str) -> InvalidInput:
    name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    return InvalidInput(
        "name_not_readable",
        f"The name has a character that can't be compared ({name}); give it in Latin letters, as "
        "in the machine-readable lines of the document.",
        field="name",
    )
