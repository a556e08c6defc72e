import Glibc

/// Time that processors spent on this process, which other work on the machine does not change much.
public enum ProcessorTime {
  /// Seconds in user mode and in the kernel since the process began, all threads added.
  public static var seconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ t: timeval) -> Double { Double(t.tv_sec) + Double(t.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}
