"""What users are told, in Indonesian. `wording` says what stands for what."""

from collections.abc import Mapping
from typing import Final

_KEEP: Final = "Jika ini bukan Anda, ganti kata sandi, akhiri semua sesi, dan hubungi kami: ${help}"
_WAIT: Final = "Penarikan ditunda untuk sementara. "

WORDING: Final[Mapping[str, tuple[str, str]]] = {
    "security.account_closed": (
        "Akun Anda ditutup",
        "Akun Anda ditutup pada ${time}, atas permintaan dari ${address}. " + _KEEP,
    ),
    "security.api_key_made": (
        "Kunci API baru",
        "Kunci API ${about} dibuat pada ${time}, atas permintaan dari ${address}. " + _WAIT + _KEEP,
    ),
    "security.api_key_revoked": (
        "Kunci API dicabut",
        "Kunci API ${about} dicabut pada ${time}, atas permintaan dari ${address}. " + _KEEP,
    ),
    "security.email_changed": (
        "Alamat email Anda diganti",
        "Alamat email akun Anda diganti pada ${time}. " + _WAIT + _KEEP,
    ),
    "security.identity_linked": (
        "Cara masuk ditautkan",
        "Sejak ${time}, masuk dengan ${about} membuka akun Anda. " + _WAIT + _KEEP,
    ),
    "security.identity_unlinked": (
        "Tautan cara masuk dihapus",
        "Sejak ${time}, masuk dengan ${about} tidak lagi membuka akun Anda. " + _KEEP,
    ),
    "security.new_device": (
        "Masuk dari perangkat baru",
        "Seseorang masuk ke akun Anda pada ${time}, dari ${address}. " + _WAIT + _KEEP,
    ),
    "security.password_changed": (
        "Kata sandi Anda diganti",
        "Kata sandi Anda diganti pada ${time}. " + _WAIT + _KEEP,
    ),
    "security.second_factor_added": (
        "Faktor kedua Anda aktif",
        "Autentikator dipasang untuk akun Anda pada ${time}, atas permintaan dari ${address}. "
        + _WAIT
        + _KEEP,
    ),
    "security.second_factor_removed": (
        "Faktor kedua Anda dihapus",
        "Autentikator akun Anda dihapus pada ${time}, atas permintaan dari ${address}. "
        + _WAIT
        + _KEEP,
    ),
    "security.session_ended": (
        "Sebuah sesi diakhiri",
        "Salah satu sesi Anda diakhiri pada ${time}, atas permintaan dari ${address}. " + _KEEP,
    ),
    "security.sign_in_factor_changed": (
        "Cara Anda masuk diubah",
        "Faktor kedua untuk masuk diubah pada ${time}. " + _WAIT + _KEEP,
    ),
    "security.signed_out_everywhere": (
        "Anda keluar dari semua perangkat",
        "Semua sesi Anda diakhiri pada ${time}, atas permintaan dari ${address}. " + _KEEP,
    ),
    "kyc.in_review": (
        "Data Anda sedang kami periksa",
        (
            "Data identitas yang Anda kirim sudah kami terima dan sedang diperiksa. Anda tidak"
            " perlu melakukan apa pun."
        ),
    ),
    "kyc.more_needed": (
        "Kami memerlukan data tambahan",
        (
            "Sebagian data identitas yang Anda kirim tidak dapat dipakai. Buka akun Anda untuk"
            " melihat bagian mana, lalu kirim kembali."
        ),
    ),
    "kyc.approved": (
        "Identitas Anda terverifikasi",
        "Data yang Anda kirim sudah diperiksa, dan akun Anda kini berada di level ${level}.",
    ),
    "kyc.rejected": (
        "Identitas Anda tidak dapat diverifikasi",
        "Data identitas yang Anda kirim tidak diterima. Untuk pertanyaan hubungi kami: ${help}",
    ),
    "kyc.expired": (
        "Dokumen Anda kedaluwarsa",
        (
            "Dokumen identitas Anda tidak berlaku lagi, sehingga akun Anda kini berada di level"
            " ${level}. Kirim dokumen baru di akun Anda."
        ),
    ),
    "kyc.renewal_due": (
        "Perbarui data identitas Anda",
        (
            "Data identitas Anda berlaku hingga ${renew_by}. Kirim yang baru di akun Anda sebelum"
            " tanggal itu; level akun Anda tetap hingga ${level_until}, lalu turun jika tidak"
            " diperbarui."
        ),
    ),
    "transfer.credited": (
        "Saldo Anda bertambah",
        "${amount} ${asset} ditambahkan ke akun Anda ${account} pada ${time}.",
    ),
    "transfer.debited": (
        "Saldo Anda berkurang",
        (
            "${amount} ${asset} keluar dari akun Anda ${account} pada ${time}. Jika Anda tidak"
            " memintanya, hubungi kami: ${help}"
        ),
    ),
    "transfer.moved": (
        "Transfer Anda berhasil",
        (
            "${amount} ${asset} dipindahkan dari akun ${account} ke akun ${to} pada ${time}. Jika"
            " Anda tidak memintanya, hubungi kami: ${help}"
        ),
    ),
    "fee_tier.changed": (
        "Biaya Anda berubah",
        (
            "Berdasarkan ${volume} ${currency} yang Anda perdagangkan dalam tiga puluh hari hingga"
            " ${day}, biaya Anda kini mengikuti tingkat ${tier}; sebelumnya tingkat ${before}."
        ),
    ),
}
