//! The system call filter: what Docker's default profile forbids is forbidden here.
//!
//! Two filters are stacked. The first knows every allowed call and answers "no such system call" to all others, so
//! that programs fall back instead of failing when the kernel is newer than this list. The second answers "not
//! permitted" to the calls that are known and refused. Of two refusals the kernel takes the later filter's.

mod syscalls;

use std::collections::BTreeMap;

use rustix::io::Errno;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use crate::sys;

/// Flags of `clone` that make namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const NAMESPACE_FLAGS: [u64; 7] =
    [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
/// Personalities that a container may take: Linux, Linux in 32 bits, both with UNAME26, and the query.
const PERSONALITIES: [u64; 5] = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];
/// Address family of virtual machine sockets, which reach the hypervisor.
const AF_VSOCK: u64 = 40;

/// Installs the filter for this process and all that it starts. Without `no_new_privs`, so that set-uid programs
/// work as they do under Docker; that is why it must happen while the process still has `CAP_SYS_ADMIN`.
pub(crate) fn install() -> Result<(), Errno> {
    let (allow, deny) = programs().map_err(|_| Errno::INVAL)?;
    sys::install_filter(&allow)?;
    sys::install_filter(&deny)
}

fn programs() -> Result<(BpfProgram, BpfProgram), BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let allowed = syscalls::ALLOWED.iter().chain(syscalls::ALLOWED_HERE);
    let allow = SeccompFilter::new(
        allowed.map(|number| (*number, Vec::new())).collect(),
        SeccompAction::Errno(Errno::NOSYS.raw_os_error().unsigned_abs()),
        SeccompAction::Allow,
        architecture,
    )?;
    let deny = SeccompFilter::new(
        denied()?,
        SeccompAction::Allow,
        SeccompAction::Errno(Errno::PERM.raw_os_error().unsigned_abs()),
        architecture,
    )?;
    let mut allow_program = compat::prologue(compat::Role::Allow);
    allow_program.extend(BpfProgram::try_from(allow)?);
    let mut deny_program = compat::prologue(compat::Role::Deny);
    deny_program.extend(BpfProgram::try_from(deny)?);
    Ok((allow_program, deny_program))
}

fn denied() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let plain = syscalls::DENIED.iter().chain(syscalls::DENIED_HERE);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        plain.map(|number| (*number, Vec::new())).collect();
    let any_namespace = NAMESPACE_FLAGS
        .iter()
        .map(|flag| SeccompRule::new(vec![argument(0, SeccompCmpOp::MaskedEq(*flag), *flag)?]))
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_clone, any_namespace);
    let no_personality = PERSONALITIES
        .iter()
        .map(|personality| argument(0, SeccompCmpOp::Ne, *personality))
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_personality, vec![SeccompRule::new(no_personality)?]);
    let vsock = argument(0, SeccompCmpOp::Eq, AF_VSOCK)?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(vec![vsock])?]);
    Ok(rules)
}

/// Only the low half of an argument is compared: these calls take 32-bit values and the kernel ignores the rest.
fn argument(
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

/// 32-bit programs of the same machine, for which the compiler of filters has no words.
#[cfg(target_arch = "x86_64")]
mod compat {
    use rustix::io::Errno;
    use seccompiler::{BpfProgram, sock_filter};

    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) enum Role {
        Allow,
        Deny,
    }

    const LOAD: u16 = 0x20;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const ERRNO: u32 = 0x0005_0000;
    const AUDIT_ARCH_I386: u32 = 0x4000_0003;
    const OFFSET_NUMBER: u32 = 0;
    const OFFSET_ARCHITECTURE: u32 = 4;
    const OFFSET_FIRST_ARGUMENT: u32 = 16;

    /// First number of the 32-bit table that this list has not looked at.
    const UNKNOWN_FROM: u32 = 457;
    const CLONE: u32 = 120;
    const CLONE3: u32 = 435;
    /// `arch/x86/entry/syscalls/syscall_32.tbl`, the same calls as in the 64-bit list.
    const DENIED: &[u32] = &[
        21, 22, 25, 51, 52, 62, 79, 86, 87, 88, 101, 103, 110, 111, 113, 115, 121, 128, 129, 131,
        135, 149, 166, 169, 74, 217, 253, 264, 274, 275, 276, 283, 286, 287, 288, 294, 310, 317,
        336, 338, 342, 346, 349, 350, 357, 374, 404, 425, 426, 427, 428, 429, 430, 431, 432, 433,
        438, 440, 442, 443, 450,
    ];

    /// Decides about 32-bit calls and lets 64-bit ones fall through to what follows.
    pub(super) fn prologue(role: Role) -> BpfProgram {
        let body = match role {
            Role::Allow => allow(),
            Role::Deny => deny(),
        };
        let length = u8::try_from(body.len()).expect("the 32-bit list is short");
        let mut program = vec![
            step(LOAD, 0, 0, OFFSET_ARCHITECTURE),
            step(JUMP_IF_EQUAL, 0, length, AUDIT_ARCH_I386),
        ];
        program.extend(body);
        program
    }

    fn allow() -> BpfProgram {
        let unknown = ERRNO | Errno::NOSYS.raw_os_error().unsigned_abs();
        vec![
            step(LOAD, 0, 0, OFFSET_NUMBER),
            step(JUMP_IF_AT_LEAST, 2, 0, UNKNOWN_FROM),
            step(JUMP_IF_EQUAL, 1, 0, CLONE3),
            step(RETURN, 0, 0, ALLOW),
            step(RETURN, 0, 0, unknown),
        ]
    }

    fn deny() -> BpfProgram {
        let namespaces = super::NAMESPACE_FLAGS.iter().fold(0, |all, flag| all | flag);
        let namespaces = u32::try_from(namespaces).expect("the flags have 32 bits");
        let refused = ERRNO | Errno::PERM.raw_os_error().unsigned_abs();
        let mut body = vec![step(LOAD, 0, 0, OFFSET_NUMBER)];
        for (index, number) in DENIED.iter().enumerate() {
            // Past the rest of the list, the five steps about `clone`, to the refusal at the end.
            let distance = u8::try_from(DENIED.len() - index - 1 + 5).expect("the list is short");
            body.push(step(JUMP_IF_EQUAL, distance, 0, *number));
        }
        body.extend([
            step(JUMP_IF_EQUAL, 0, 3, CLONE),
            step(LOAD, 0, 0, OFFSET_FIRST_ARGUMENT),
            step(AND, 0, 0, namespaces),
            step(JUMP_IF_EQUAL, 0, 1, 0),
            step(RETURN, 0, 0, ALLOW),
            step(RETURN, 0, 0, refused),
        ]);
        body
    }

    fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
        sock_filter { code, jt, jf, k }
    }
}

/// 32-bit programs are killed by the filter's own check of the architecture.
#[cfg(not(target_arch = "x86_64"))]
mod compat {
    use seccompiler::BpfProgram;

    #[derive(Clone, Copy)]
    pub(super) enum Role {
        Allow,
        Deny,
    }

    pub(super) fn prologue(_role: Role) -> BpfProgram {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86_64: u32 = 0xc000_003e;
    const I386: u32 = 0x4000_0003;
    const AARCH64: u32 = 0xc000_00b7;

    /// Runs a filter program as the kernel would, <https://docs.kernel.org/networking/filter.html>.
    fn interpret(program: &BpfProgram, data: &[u32; 16]) -> u32 {
        let (mut accumulator, mut at) = (0_u32, 0_usize);
        loop {
            let step = &program[at];
            at += 1;
            let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
            match step.code {
                0x20 => accumulator = data[usize::try_from(step.k / 4).unwrap()],
                0x54 => accumulator &= step.k,
                0x05 => at += usize::try_from(step.k).unwrap(),
                0x15 => at += jump(accumulator == step.k),
                0x25 => at += jump(accumulator > step.k),
                0x35 => at += jump(accumulator >= step.k),
                0x06 => return step.k,
                other => panic!("unexpected instruction {other:#x}"),
            }
        }
    }

    /// What becomes of a call: the later filter's answer where both refuse.
    fn outcome(architecture: u32, number: i64, first_argument: u64) -> String {
        let (allow, deny) = programs().unwrap();
        let mut data = [0_u32; 16];
        data[0] = u32::try_from(number).unwrap();
        data[1] = architecture;
        data[4] = u32::try_from(first_argument & 0xffff_ffff).unwrap();
        data[5] = u32::try_from(first_argument >> 32).unwrap();
        let answers = [interpret(&deny, &data), interpret(&allow, &data)];
        let refusal = answers.into_iter().find(|answer| *answer != 0x7fff_0000);
        match refusal {
            None => "allow".to_owned(),
            Some(0x0005_0001) => "EPERM".to_owned(),
            Some(0x0005_0026) => "ENOSYS".to_owned(),
            Some(0x8000_0000) => "kill".to_owned(),
            Some(other) => format!("{other:#x}"),
        }
    }

    fn native() -> u32 {
        if cfg!(target_arch = "x86_64") { X86_64 } else { AARCH64 }
    }

    #[test]
    fn native_calls() {
        let check = |number, argument, expected: &str| {
            assert_eq!(outcome(native(), number, argument), expected, "{number} {argument:#x}");
        };
        check(libc::SYS_read, 0, "allow");
        check(libc::SYS_ptrace, 0, "allow");
        check(libc::SYS_chroot, 0, "allow");
        check(libc::SYS_mount, 0, "EPERM");
        check(libc::SYS_unshare, 0, "EPERM");
        check(libc::SYS_setns, 0, "EPERM");
        check(libc::SYS_keyctl, 0, "EPERM");
        check(libc::SYS_clone, 17, "allow");
        for flag in NAMESPACE_FLAGS {
            check(libc::SYS_clone, flag | 0x11, "EPERM");
        }
        check(435, 0, "ENOSYS");
        check(4000, 0, "ENOSYS");
        for personality in PERSONALITIES {
            check(libc::SYS_personality, personality, "allow");
        }
        check(libc::SYS_personality, 0x0004_0000, "EPERM");
        check(libc::SYS_socket, 2, "allow");
        check(libc::SYS_socket, 40, "EPERM");
    }

    #[test]
    fn no_call_is_both_allowed_and_denied() {
        let allowed: Vec<_> = syscalls::ALLOWED.iter().chain(syscalls::ALLOWED_HERE).collect();
        for denied in syscalls::DENIED.iter().chain(syscalls::DENIED_HERE) {
            assert!(!allowed.contains(&denied), "{denied}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn foreign_calls() {
        let check = |architecture, number, argument, expected: &str| {
            assert_eq!(outcome(architecture, number, argument), expected, "{number}");
        };
        check(I386, 3, 0, "allow"); // read
        check(I386, 11, 0, "allow"); // execve
        check(I386, 21, 0, "EPERM"); // mount
        check(I386, 310, 0, "EPERM"); // unshare
        check(I386, 450, 0, "EPERM"); // the last of the list
        check(I386, 120, 17, "allow"); // clone
        check(I386, 120, 0x1000_0011, "EPERM");
        check(I386, 435, 0, "ENOSYS"); // clone3
        check(I386, 900, 0, "ENOSYS");
        check(X86_64, 0x4000_0000 + 39, 0, "ENOSYS"); // x32
        check(AARCH64, 63, 0, "kill");
    }
}
