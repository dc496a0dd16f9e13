#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res) {
    const char *path = getenv("LOOKUPS");
    FILE *file = path ? fopen(path, "a") : 0;
    if (file) { fprintf(file, "%s\n", node ? node : "(none)"); fclose(file); }
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    return next(node, service, hints, res);
}
