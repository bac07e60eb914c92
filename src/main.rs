//! The binary: allocator and exit code; everything else is in the library.

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // The allocator asks for huge pages. One is cleared as a whole where it is first touched: 0.1 ms in which a worker does
    // nothing else, and 10 ms in a virtual machine whose host has yet to find the memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true); // as fast as it was, where the kernel has no such thing
    plimsoll::commands::prepare();
    plimsoll::commands::main().into()
}
