"""What a long-running program owes the machine it runs on, whatever it computes.

========================= ==========================================================================
`errors`                  an exception becomes one sentence, and an exit code
`interruption`            signals end a run so that what is done stays whole
`isolation`               a function in a process of its own, under limits of time and memory
`fork_server`             where such processes come from, in milliseconds
`shared_arrays`           what they answer, where others see it
`halves`                  work of which another process does its share
`forking`, `ranks`        other processes: those forked from this one, and those of torchrun
`standard_streams`        a process that was started without them
`small_files`             reading files that anybody may have written
`threads`                 computations side by side
`timing`, `memory`        what a run took
`processor`               what it can run fast
========================= ==========================================================================
"""
