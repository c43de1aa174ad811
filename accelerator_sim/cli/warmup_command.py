"""`accelerator-sim warmup`."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Compile all kernels now rather than in the first simulation."""
    from accelerator_sim.cli.compiled_kernels import cache_folder, compile_all, load_kernels

    if not load_kernels():
        click.echo("compilation is switched off (NUMBA_DISABLE_JIT); nothing to do")
        return
    compile_all(report=lambda line: click.echo(line, err=True))
    folder = cache_folder()
    if folder is None:
        click.echo(
            "no cache can be written; set NUMBA_CACHE_DIR to a folder that can, or every run compiles them again"
        )
    else:
        click.echo(f"kernels are in {folder}")
