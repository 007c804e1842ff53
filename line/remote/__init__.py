"""Workers on other machines: keys, encryption, clocks."""
