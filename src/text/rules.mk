# The folding table: from ICU's properties and Unihan's variants (Debian's unicode-data).
UNIHAN_VARIANTS ?= /usr/share/unicode/Unihan_Variants.txt.bz2

$(BUILD)/gen/gen_text_fold: tools/gen_text_fold.c src/text/fold_int.h src/text/rules.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O1 $(WARN) $(CPPFLAGS) -o $@ $< $(shell pkg-config --libs icu-uc)

$(BUILD)/gen/text_fold.inc: $(BUILD)/gen/gen_text_fold $(UNIHAN_VARIANTS)
	@echo "  GEN  $@"
	$(Q)bzip2 -dc $(UNIHAN_VARIANTS) | $< >$@.part
	$(Q)mv $@.part $@

$(BUILD)/obj/src/text/fold.o: $(BUILD)/gen/text_fold.inc
