MARKET ?= BTC-USDT
MARKETS ?= BTC-USDT=60000 ETH-USDT=100

watch: setup ## a market live, in the terminal: MARKET=BTC-USDT [AS=bob@demo.example TENANT=aurora ARGS=--public]
	@exec $(PY) -m scripts.market.watch $(MARKET) $(if $(TENANT),--tenant $(TENANT)) $(if $(AS),--user $(AS)) $(ARGS)
.PHONY: watch

simulate-market: setup ## makers and takers on the running exchange, and a picture: [MARKETS="BTC-USDT=60000" ARGS="--seconds 60 --rate 5"]
	@exec $(PY) -m scripts.market.simulate $(MARKETS) $(if $(TENANT),--tenant $(TENANT)) $(ARGS)
.PHONY: simulate-market
