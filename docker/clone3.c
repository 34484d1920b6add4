/* clone3 PROGRAM [ARGUMENT...]: runs PROGRAM so that it can start threads on Docker 20.10.9 and older, as on JetPack 4.
 *
 * glibc 2.34 and later makes threads with the system call clone3 and falls back on clone where the kernel answers
 * ENOSYS: "there is no such call". The seccomp profile of those engines answers EPERM to every call that it does not
 * know, and no thread can be started. So clone3 is asked once; where the answer is EPERM, one more filter answers
 * ENOSYS. Of two filters that both refuse, the one added last names the error (seccomp(2)). Elsewhere nothing is done.
 *
 * Ends with 127 if PROGRAM cannot be run, with 2 if none is named. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "for amd64 and arm64 only"
#endif

enum { USAGE = 2, NOT_RUN = 127 };

/* Asks with no arguments, which the kernel refuses (EINVAL) or does not know (ENOSYS): no process is made. */
static int clone3_is_forbidden(void) {
    return syscall(SYS_clone3, NULL, 0) == -1 && errno == EPERM;
}

/* Holds for this process and all that it starts. Returns 0, or -1 with errno. */
static int answer_that_there_is_no_clone3(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) /* who has no rights must promise to gain none */
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int count, char **arguments) {
    if (count < 2) {
        fputs("usage: clone3 PROGRAM [ARGUMENT...]\n", stderr);
        return USAGE;
    }
    if (clone3_is_forbidden() && answer_that_there_is_no_clone3() != 0)
        perror("clone3: threads may fail, the filter was refused"); /* the program may need none */
    execvp(arguments[1], arguments + 1);
    perror(arguments[1]);
    return NOT_RUN;
}
