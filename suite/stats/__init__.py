"""Statistics on arrays: pure functions, no files, nothing of the runner.

| module | what it answers |
| --- | --- |
| `intervals` | how far is the mean known? |
| `paired` | do two arms differ, over pairs? |
| `arms` | do two arms differ when each takes its best cell? |
| `looks` | what is a p-value worth that was looked at many times, or looked at twice? |
| `power` | what would a sample of n pairs have found; how many more are needed? |
| `verdict` | helps, hurts, equivalent, or underpowered? |
| `variance` | which factors, alone and in pairs, make the metric vary? |
| `across` | what holds over tasks? |
"""
