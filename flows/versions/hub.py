"""The Hugging Face hub: an exported student as a model repository."""

import tempfile
from pathlib import Path

from flows.evidence.runs import version_or_champion
from flows.versions.export import export
from tasks.errors import ExtraMissing, ModelUnavailable


def upload(project: str, repository: str, version: int | None = None, gguf: bool = False) -> str:
    """Upload a version, the champion where none is named, as one commit to a repository that is private when made here.

    The token is `HF_TOKEN`, or what `hf auth login` stored. Returns the commit's address. Raises `StoreError` where
    there is no such version, `ModelUnavailable` where the hub refuses or cannot be reached, and where the repository is
    public or holds something that is no student.
    """
    try:
        import httpx2
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled
    except ImportError as error:
        raise ExtraMissing("huggingface_hub is not installed: pip install 'stillhouse[local]'.") from error
    entry = version_or_champion(project, version)
    with tempfile.TemporaryDirectory() as folder:
        student = export(project, Path(folder) / "student", entry.version, gguf)
        try:
            hub = HfApi()
            if hub.repo_exists(repository):
                there = hub.model_info(repository)
                _refuse(repository, bool(there.private), {each.rfilename for each in there.siblings or []})
            hub.create_repo(repository, private=True, exist_ok=True)
            done = hub.upload_folder(
                repo_id=repository,
                folder_path=student,
                commit_message=f"{project} version {entry.version}",
                commit_description=f"student {entry.student.fingerprint}, verdict {entry.verdict}",
                delete_patterns=["*"],
            )
        except (httpx2.HTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
            said = " ".join(str(error).split())[:300]
            raise ModelUnavailable(
                f"the hub did not take {repository}: {said}. Set HF_TOKEN to one that may write."
            ) from error
    return str(done.commit_url)


def _refuse(repository: str, private: bool, held: set[str]) -> None:
    """Raises `ModelUnavailable` where an upload would be seen by everybody, or delete what is not its own."""
    if not private:
        raise ModelUnavailable(f"{repository} is public on the hub. Make it private there first, or name another.")
    if held - {".gitattributes"} and "student.json" not in held:
        raise ModelUnavailable(
            f"{repository} on the hub holds no student (there is no student.json), and an upload would delete its "
            f"{len(held)} files. Name another repository."
        )
