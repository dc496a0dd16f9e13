"""How `everyday-a0` is made: from the Kinetics weights, label sets and footage whose terms allow it."""
