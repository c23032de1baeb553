"""Programs that a model chose, run where they can reach nothing but one folder.

    limits      how long, how much, how many
    bubblewrap  what is to be seen inside, as the arguments of bwrap
    syscalls    what is not asked of the kernel inside
    running     one program, from its start to the end of all that it started
    watching    how many processes there are inside, and what memory they hold

Knows nothing of tools or models. Linux only.
"""
