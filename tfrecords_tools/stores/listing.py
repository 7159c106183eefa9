"""The objects that a table's rows name: folder after folder is listed once, a thousand objects a request."""

from tfrecords_tools.stores.address import name_of, parent
from tfrecords_tools.stores.store import Denied, Entry, NotThere, StoreError, list_folder


class Listing:
    """What lies in the folders that were asked about; about 300 bytes an object."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, Entry]] = {}

    def entry(self, address: str) -> Entry | None:
        """One object; None if it is not there.

        Raises:
            StoreError: if its folder cannot be listed.
        """
        folder = parent(address)
        if folder not in self._folders:
            try:
                self._folders[folder] = list_folder(folder)
            except NotThere:
                self._folders[folder] = {}
            except Denied as error:
                raise StoreError(
                    folder, f"cannot be listed: {error.reason}; or look at no object beforehand: --skip_audio_check"
                ) from error
        return self._folders[folder].get(name_of(address))

    def problem(self, address: str) -> str | None:
        """Why there is no file to decode at an address, or None; as `file_problem` does of a path.

        Raises:
            StoreError: if its folder cannot be listed.
        """
        entry = self.entry(address)
        if entry is None:
            return "file not found"
        return None if entry.size else "file is empty"
