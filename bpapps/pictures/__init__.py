"""Pictures: files and arrays of them, ink on paper, noise, and what preprocessing shares."""
