// SPDX-License-Identifier: Apache-2.0
/* Says at which privilege level it runs and, where it may, which guards of the kernel are on. */
#include <stdio.h>

#define CR4_SMEP (1ul << 20)
#define CR4_SMAP (1ul << 21)

int main(void)
{
	unsigned short cs;
	unsigned long cr4 = 0;

	__asm__("mov %%cs, %0" : "=r"(cs));
	printf("CPL %d\n", cs & 3);
	if ((cs & 3) == 0) {
		__asm__("mov %%cr4, %0" : "=r"(cr4));
		printf("SMEP %s\nSMAP %s\n", cr4 & CR4_SMEP ? "on" : "off", cr4 & CR4_SMAP ? "on" : "off");
	}
	return 0;
}
