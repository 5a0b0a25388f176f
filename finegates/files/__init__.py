"""Files and folders: whole writes, tailing, links that are not followed. Knows no run."""
