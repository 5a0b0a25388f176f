"""Files and folders: atomic writes, tailing, links that are not followed. Knows no run."""
