#include "process/leak_check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AUTHMILTER_CHECKS_LEAKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define AUTHMILTER_CHECKS_LEAKS
#endif

#ifdef AUTHMILTER_CHECKS_LEAKS
#include <sanitizer/lsan_interface.h>

void authmilter::check_for_leaks() { __lsan_do_leak_check(); }
#else
void authmilter::check_for_leaks() {}
#endif
