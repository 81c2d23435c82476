"""What the toolbox offers: tools, resources and prompts, whichever source they come from."""
