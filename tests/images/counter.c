// A plugin of QEMU's: counts the instructions of the emulated program. Where the program makes the system call ASK, which
// no kernel knows, the plugin writes two numbers to the file `out`: those of the calling thread, and those of all threads.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "qemu-plugin.h"

#define ASK 18000

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static qemu_plugin_u64 executed;
static uint64_t *out;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    uint64_t instructions = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(block, QEMU_PLUGIN_INLINE_ADD_U64, executed, instructions);
}

static void called(qemu_plugin_id_t id, unsigned int thread, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                   uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == ASK) {
        out[0] = qemu_plugin_u64_get(executed, thread);
        out[1] = qemu_plugin_u64_sum(executed);
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **given)
{
    (void)info;
    if (count != 1 || strncmp(given[0], "out=", 4) != 0)
        return -1;
    int file = open(given[0] + 4, O_RDWR);
    if (file < 0)
        return -1;
    out = mmap(NULL, 2 * sizeof *out, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (out == MAP_FAILED)
        return -1;
    executed = qemu_plugin_scoreboard_u64(qemu_plugin_scoreboard_new(sizeof(uint64_t)));
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
