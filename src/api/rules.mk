# The storefront, the console and api/openapi.yaml become part of the binary.
WEB_SOURCES := $(shell find web/src web/public web/*.html web/*.ts web/package-lock.json -type f 2>/dev/null)
WEB_STAGE   := $(BUILD)/gen/web
WEB_OBJ     := $(BUILD)/obj/gen/web_files.o
NPM         ?= npm

$(BUILD)/libapi.a: $(WEB_OBJ)

web/node_modules/.package-lock.json: web/package-lock.json
	@echo "  NPM  web"
	$(Q)cd web && flock package-lock.json sh -c '[ node_modules/.package-lock.json -nt package-lock.json ] || \
	    { $(NPM) ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json; }'

web/dist/index.html: $(WEB_SOURCES) | web/node_modules/.package-lock.json
	@echo "  VITE web"
	$(Q)cd web && $(NPM) run --silent build >/dev/null
	@touch $@

$(BUILD)/gen/web_files.c: web/dist/index.html api/openapi.yaml tools/embed_files.sh src/api/rules.mk
	@mkdir -p $(@D)
	@rm -rf $(WEB_STAGE) && mkdir -p $(WEB_STAGE) && cp -r web/dist/. $(WEB_STAGE)/ && cp api/openapi.yaml $(WEB_STAGE)/
	$(Q)tools/embed_files.sh $(WEB_STAGE) $(BUILD)/gen/web_gz >$@.tmp
	@mv $@.tmp $@

$(WEB_OBJ): $(BUILD)/gen/web_files.c src/api/web_files.h
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -c -o $@ $<
