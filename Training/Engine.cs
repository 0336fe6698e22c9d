using System.Reflection;
using TorchSharp;

namespace GumbelGan.Training;

/// <summary>
/// The libtorch underneath, whichever way the program was built: what it is, and the settings that make it fast. The one place that knows
/// what only the stand-in's bridge can do; with the official package those parts are absent and null or false.
/// </summary>
public static class Engine
{
    private const long LargestKeptBlock = 1L << 30;
    private static int _handedBack;
    private static readonly Type? _bridge = typeof(torch).Assembly.GetType("TorchSharp.Native.Engine");

    /// <summary>"official" or "standin": which packages the program was built on.</summary>
    public static string Packages { get; } = typeof(Engine).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == nameof(Packages)).Value!;

    /// <summary>The version of libtorch, or null where the package does not tell.</summary>
    public static string? LibtorchVersion => (string?)_bridge?.GetProperty(nameof(LibtorchVersion))!.GetValue(null);

    /// <summary>libtorch's own description of its build and its parallelism, or null where the package does not tell.</summary>
    public static string? Description => (string?)_bridge?.GetProperty("Configuration")!.GetValue(null);

    /// <summary>The matrix kernels that the loaded BLAS uses, such as SkylakeX or Haswell, or null where it does not tell.</summary>
    public static string? Kernels => EngineEnvironment.KernelsInUse(EngineReport.LoadedLibraries());

    /// <summary>Sets threads, has the allocator keep its memory, and hands back the pages that only the loading of libraries has touched.</summary>
    /// <param name="threads">For one operation; 0 takes one a core.</param>
    public static void Prepare(int threads)
    {
        torch.set_num_threads(threads == 0 ? System.Environment.ProcessorCount : threads);
        _bridge?.GetMethod("KeepMemory")!.Invoke(null, [LargestKeptBlock]);
        if (Interlocked.Exchange(ref _handedBack, 1) == 0)
        {
            LoadedPages.HandBack();
        }
    }

    /// <summary>Treats denormal numbers as zero on the calling thread until the result is disposed: they would cost a hundred times a normal one.</summary>
    public static IDisposable WithoutDenormals() => new DenormalsOff();

    private sealed class DenormalsOff : IDisposable
    {
        internal DenormalsOff() => Set(true);

        public void Dispose() => Set(false);

        private static void Set(bool flush) => _bridge?.GetMethod("FlushDenormals")!.Invoke(null, [flush]);
    }
}
