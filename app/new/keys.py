"""Under which keys the session keeps what is chosen on New run and Sweep.

Links, duplicates and the pages themselves write and read them. Settings of a `RunSpec` are under a
page's prefix and their own name: see `app.new.fields.PREFIX` and `app.new.overrides.PREFIX`.
"""

METHOD = "new_method"
RUN_NAME = "new_run_name"
DOOR, START, START_LABELS = "new_door", "new_start", "new_start_labels"
REMOVE, COMPRESS_SEED = "new_remove", "new_compress_seed"
SOURCE = "new_source"
GLUE_TASK, GLUE_DIR = "new_glue_task", "new_glue_dir"
FILE, UPLOAD = "new_file", "new_upload"
DOWNLOAD = "new_download"
MODEL_KIND, HUB_ID, MODEL_FOLDER = "new_model_kind", "new_hub_id", "new_model_folder"
DEVICE, DEVICE_GONE = "new_device", "new_device_gone"

SWEEP_NAME = "sweep_name"
REMOVING, DENSE = "sweep_removing", "sweep_dense"
TARGETS = "sweep_targets"
SEEDS, FIRST_SEED = "sweep_seeds", "sweep_first_seed"


def of_file(setting: str, file: str) -> str:
    """Of a setting that is said about a kept file of this name; another file has another key.

    Data, New run and Sweep share it, so what is chosen on one holds on the others.
    """
    return f"new_{setting}_{file}"
