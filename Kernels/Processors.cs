using System.Runtime.InteropServices;

namespace GumbelGan.Kernels;

/// <summary>Tells on which processor a thread runs, and moves it to another. It works on Linux; elsewhere it does nothing.</summary>
internal static unsafe partial class Processors
{
    // Room for 8192 processors, the most that Linux can be built for.
    private const int MaskBytes = 1024;

    /// <summary>The number of the processor that runs the calling thread just now; -1 where unknown.</summary>
    public static int Current => OperatingSystem.IsLinux() ? CurrentProcessor() : -1;

    /// <summary>
    /// Moves the calling thread off processor <paramref name="number"/> if it may run on any other. Its set of allowed processors stays as it was.
    /// </summary>
    public static void Leave(int number)
    {
        byte* allowed = stackalloc byte[MaskBytes];
        new Span<byte>(allowed, MaskBytes).Clear();
        if (!OperatingSystem.IsLinux() || number < 0 || GetAffinity(0, MaskBytes, allowed) != 0)
        {
            return;
        }

        byte* others = stackalloc byte[MaskBytes];
        new ReadOnlySpan<byte>(allowed, MaskBytes).CopyTo(new Span<byte>(others, MaskBytes));
        others[number / 8] &= (byte)~(1 << (number % 8));
        // Linux moves a thread at once when its processor is not allowed any more, and refuses an empty set.
        if (SetAffinity(0, MaskBytes, others) == 0)
        {
            _ = SetAffinity(0, MaskBytes, allowed);
        }
    }

    [SuppressGCTransition]
    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    private static partial int CurrentProcessor();

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint size, byte* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint size, byte* mask);
}
