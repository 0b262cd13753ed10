"""Protocol face of the HTTP seam; see the client in this room for the real one."""
