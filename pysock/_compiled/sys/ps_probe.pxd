cdef extern from "ps_probe.h" nogil:
    int ps_probe_gso_segments()
    int ps_probe_gro_segments()
    int ps_probe_batch()
    int ps_probe_zerocopy()
