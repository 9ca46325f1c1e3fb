//! The program: everything is in the library, so that tests can reach it.

/// What the library allocates too, where this program runs it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    shoji::cli::main()
}
