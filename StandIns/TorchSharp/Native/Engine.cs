namespace TorchSharp.Native;

/// <summary>
/// What only the bridge can tell or do. No room names this type; <c>GumbelGan.Training.Engine</c> looks for it by reflection and does without
/// it where the official package is used.
/// </summary>
internal static class Engine
{
    /// <summary>The libtorch that the bridge was compiled against.</summary>
    public static string LibtorchVersion => NativeMethods.Version;

    /// <summary>libtorch's own account of how it was built and how it runs in parallel.</summary>
    public static string Configuration => NativeMethods.Configuration;

    /// <summary>Tells the C allocator to keep blocks of up to <paramref name="bytes"/> bytes instead of returning them to the kernel.</summary>
    public static bool KeepMemory(long bytes) => NativeMethods.gg_keep_memory(bytes) == 0;

    /// <summary>Treats denormal numbers as zero on the calling thread; false where the processor cannot.</summary>
    public static bool FlushDenormals(bool on) => NativeMethods.gg_flush_denormals(on ? 1 : 0) != 0;
}
