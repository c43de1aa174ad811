"""Results as self-contained HTML pages: no network access, charts drawn here, meaningful without scripts."""
