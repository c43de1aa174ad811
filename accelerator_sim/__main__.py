"""`python -m accelerator_sim`."""

from accelerator_sim.cli.main import main

if __name__ == "__main__":
    main()
