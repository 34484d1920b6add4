"""Records a face and a finger's pulse on one clock; the command is training/record.py."""
