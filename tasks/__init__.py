"""The seven stages of a distillation, one file each, and the rooms they stand on."""
