"""Claims about users' files, hostile ones too."""
