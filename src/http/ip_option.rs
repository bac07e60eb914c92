//! Options of sockets that no safe crate has. The one place with an `unsafe` call.

use std::os::fd::AsRawFd as _;

use tokio::net::TcpSocket;

/// Sets an option of the level `IPPROTO_IP`. What a kernel without it answers is ignored: it connects all the same.
pub(super) fn set_ip_option(socket: &TcpSocket, option: libc::c_int, value: u32) {
    let (fd, length) = (socket.as_raw_fd(), size_of_val(&value) as libc::socklen_t);
    // SAFETY: the descriptor is open while `socket` is borrowed, and the pointer is to `length` readable bytes, which
    // the call does not keep.
    #[expect(unsafe_code, reason = "a socket option of four bytes")]
    let _ = unsafe { libc::setsockopt(fd, libc::IPPROTO_IP, option, (&raw const value).cast(), length) };
}
