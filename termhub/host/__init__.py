"""What owns a console outside its sandbox: launcher, host and journal."""
