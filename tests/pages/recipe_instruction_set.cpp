// CONTRIBUTING's instruction set: a source as those of core/kernels/.
#include <snippets/CONTRIBUTING_md_14.inc>
