"""Artefacts that hosts share: in object storage as in a store, the manifest written last, so none is there in part."""

from pathlib import Path

from pydantic import ValidationError

from tasks.artifacts import Handle
from tasks.manifest import MANIFEST, Manifest, Stamp
from tasks.objects import Objects


def holds(objects: Objects, handle: Handle) -> bool:
    """Whether the objects have each file that the artefact's manifest there names, by its size."""
    manifest = _parsed(objects.read(_name(handle, MANIFEST)))
    return manifest is not None and _complete(objects, handle, manifest)


def upload(objects: Objects, handle: Handle, manifest: Manifest, folder: Path) -> None:
    """Upload an artefact from its folder, the manifest last, unless it is there."""
    if not _complete(objects, handle, manifest):
        for name in [*(file.name for file in manifest.files), MANIFEST]:
            objects.upload(folder / name, _name(handle, name))


def download(objects: Objects, handle: Handle, folder: Path) -> bool:
    """Fill the folder with an artefact, each file compared with the manifest; False where it is not there whole.

    What is broken loses its manifest: it is served to nobody any more, and who has it whole uploads it anew.
    """
    content = objects.read(_name(handle, MANIFEST))
    if content is None:
        return False
    manifest = _parsed(content)
    if manifest and all(_brought(objects, handle, file, folder) for file in manifest.files):
        (folder / MANIFEST).write_bytes(content)
        return True
    objects.remove(_name(handle, MANIFEST))
    return False


def _name(handle: Handle, file: str) -> str:
    return f"{handle.folder}/{handle.fingerprint}/{file}"


def _parsed(content: bytes | None) -> Manifest | None:
    try:
        return Manifest.model_validate_json(content or b"")
    except ValidationError:
        return None


def _complete(objects: Objects, handle: Handle, manifest: Manifest) -> bool:
    listed = objects.listed(f"{handle.folder}/{handle.fingerprint}")
    return MANIFEST in listed and all(
        file.name in listed and listed[file.name].size == file.size for file in manifest.files
    )


def _brought(objects: Objects, handle: Handle, file: Stamp, folder: Path) -> bool:
    if not objects.download(_name(handle, file.name), folder / file.name) or not file.same(folder):
        return False
    file.put_back(folder)
    return True
