"""What every web application of the package needs: who is let in, what is refused, which files are found, listening.

``refusal`` is how no is said, ``host`` tells this machine from others, ``guard`` stands before every endpoint,
``root`` finds a file below a folder and nothing else, and ``listening`` opens a socket.
"""
