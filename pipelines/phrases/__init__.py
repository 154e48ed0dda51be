"""Every sentence that users can meet in an error or a note, by what it is about."""
