"""What is inside every sandbox. Standard library and ptyprocess only."""
