# The mappings of mappings/ become part of the binary: one object with their texts and a table.
MAPPINGS := $(sort $(wildcard mappings/*.yaml))
MAPPING_OBJ := $(BUILD)/obj/gen/mapping_builtin.o
$(BUILD)/libingest.a: $(MAPPING_OBJ)

$(BUILD)/gen/mapping_builtin.c: $(MAPPINGS) src/ingest/rules.mk
	@mkdir -p $(@D)
	@{ echo '/* Generated from mappings/ by src/ingest/rules.mk. */'; \
	   echo '#include "ingest/mapping_builtin.h"'; \
	   n=0; for f in $(MAPPINGS); do n=$$((n + 1)); \
	     printf '__asm__(".section .rodata\\nmapping_%d_begin:\\n.incbin \\"%s\\"\\n' $$n $$f; \
	     printf 'mapping_%d_end:\\n.byte 0\\n.previous\\n");\n' $$n; \
	     printf 'extern const char mapping_%d_begin[], mapping_%d_end[];\n' $$n $$n; done; \
	   echo 'const struct mapping_builtin mapping_builtins[] = {'; \
	   n=0; for f in $(MAPPINGS); do n=$$((n + 1)); b=$${f##*/}; \
	     printf '    {"%s", mapping_%d_begin, mapping_%d_end},\n' $${b%.yaml} $$n $$n; done; \
	   echo '    {0}};'; } > $@.tmp
	@mv $@.tmp $@

$(MAPPING_OBJ): $(BUILD)/gen/mapping_builtin.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
