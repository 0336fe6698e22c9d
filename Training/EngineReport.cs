using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>What the engine underneath is, how fast it multiplies, and what is wrong with it.</summary>
/// <param name="Packages">"official" or "standin": how the program was built.</param>
/// <param name="TorchSharp">The version of TorchSharp, or that the stand-in follows.</param>
/// <param name="Libtorch">The libtorch version, as far as the build can tell.</param>
/// <param name="LibtorchPath">The library that is loaded, or null where the system does not say (Linux does).</param>
/// <param name="BlasPath">The BLAS library that is loaded beside libtorch, or null: linked into libtorch, or unknown.</param>
/// <param name="InitialThreads">Threads of the engine at its start, before a run sets them.</param>
/// <param name="Threads">Threads of the engine when it is told to use every core, as a run does by default.</param>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="CudaDevices">CUDA devices.</param>
/// <param name="KeepsDenormals">Whether numbers below 1e-38 are computed exactly, which is slow, instead of taken for 0.</param>
/// <param name="Gigaflops">10^9 floating-point operations a second in a 512 x 512 product, the best of several, on one thread (so that a busy machine does not hide what the library can do).</param>
/// <param name="Kernels">The matrix kernels that BLAS uses, such as SkylakeX, or null where it does not tell; see <see cref="EngineEnvironment"/>.</param>
public sealed record EngineReport(
    string Packages,
    string TorchSharp,
    string Libtorch,
    string? LibtorchPath,
    string? BlasPath,
    int InitialThreads,
    int Threads,
    int Cores,
    int CudaDevices,
    bool KeepsDenormals,
    double Gigaflops,
    string? Kernels = null)
{
    private const string BridgeLibrary = "gumbelgan_bridge";
    private const string MemoryMap = "/proc/self/maps";

    /// <summary>The reference BLAS reaches 1 to 3 on any machine of this century; a tuned one at least ten times that.</summary>
    private const double SlowGigaflops = 8;

    /// <summary>How the program was built: "official" or "standin".</summary>
    public static string BuiltWith => typeof(EngineReport).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Packages").Value!;

    /// <summary>Loads the engine and looks at it; takes well under a second.</summary>
    /// <exception cref="Exception">The engine cannot be loaded; <see cref="Remedy"/> says what to do.</exception>
    public static EngineReport Measure()
    {
        int initialThreads = get_num_threads();
        set_num_threads(Environment.ProcessorCount);
        int threads = get_num_threads();
        set_num_threads(1);
        double gigaflops = MeasureProduct();
        set_num_threads(initialThreads);
        // The libraries are looked for after the product, because BLAS may be loaded at its first use.
        string[] libraries = LoadedLibraries();
        return new EngineReport(
            BuiltWith,
            __version__,
            LibtorchVersion(),
            libraries.FirstOrDefault(path => Path.GetFileName(path).Contains("torch_cpu", StringComparison.Ordinal)),
            libraries.FirstOrDefault(path => Path.GetFileName(path).Contains("openblas", StringComparison.Ordinal))
                ?? libraries.FirstOrDefault(path => Path.GetFileName(path).StartsWith("libblas", StringComparison.Ordinal) || Path.GetFileName(path).Contains("mkl_core", StringComparison.Ordinal)),
            initialThreads,
            threads,
            Environment.ProcessorCount,
            cuda.is_available() ? cuda.device_count() : 0,
            KeepsDenormalNumbers(),
            gigaflops,
            EngineEnvironment.KernelsInUse(libraries));
    }

    /// <summary>What is wrong, each with its remedy; empty if all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        bool isReference = BlasPath is not null && !BlasPath.Contains("openblas", StringComparison.Ordinal) && !BlasPath.Contains("mkl", StringComparison.Ordinal)
            && !BlasPath.Contains("blis", StringComparison.Ordinal) && !BlasPath.Contains("atlas", StringComparison.Ordinal);
        if (isReference)
        {
            problems.Add($"libtorch uses the reference BLAS ({BlasPath}), which is many times slower than it need be: install libopenblas0-openmp.");
        }
        else if (Gigaflops < SlowGigaflops)
        {
            problems.Add(FormattableString.Invariant($"matrix products reach only {Gigaflops:F1} GFLOP/s: close other programs, or install a tuned BLAS (libopenblas0-openmp)."));
        }

        if (Threads < Cores)
        {
            problems.Add(FormattableString.Invariant($"libtorch uses {Threads} of {Cores} cores although told to use all: take a libtorch built with OpenMP."));
        }

        if (int.TryParse(Environment.GetEnvironmentVariable("OMP_THREAD_LIMIT"), NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit < Threads)
        {
            // Seen with OpenBLAS 0.3.21: it waits for ever for the threads that OpenMP does not give it.
            problems.Add(FormattableString.Invariant($"OMP_THREAD_LIMIT={limit} is below the {Threads} threads of a run, and OpenBLAS can hang on that: unset it, or train with --threads {limit}."));
        }

        return problems;
    }

    /// <summary>What to do about an engine that did not load.</summary>
    public static string Remedy(Exception failure)
    {
        Exception root = failure.GetBaseException();
        string setUp = BuiltWith == "standin" ? "run 'make setup' and 'make build' (TORCH_HOME=FOLDER names a libtorch of your own)" : "run 'make setup PACKAGES=official' and 'make build'";
        return root is BadImageFormatException
            ? $"The engine's library is for another processor or system: {setUp} on this machine."
            : $"The engine cannot be loaded: {setUp}.";
    }

    private static double MeasureProduct()
    {
        const int Size = 512;
        using DisposeScope scope = NewDisposeScope();
        Tensor a = ones([Size, Size]); // [512, 512]
        double best = double.MaxValue;
        for (int round = 0; round < 8; round++)
        {
            long start = Stopwatch.GetTimestamp();
            using Tensor product = a.matmul(a); // [512, 512]
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return 2.0 * Size * Size * Size / best / 1e9;
    }

    private static bool KeepsDenormalNumbers()
    {
        using DisposeScope scope = NewDisposeScope();
        return full([8], 1e-30f).mul(1e-10f).sum().item<float>() != 0;
    }

    internal static string[] LoadedLibraries() => !File.Exists(MemoryMap)
        ? []
        : [.. File.ReadLines(MemoryMap)
            .Select(line => line.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? line[slash..] : "")
            .Where(path => path.Contains(".so", StringComparison.Ordinal))
            .Distinct()];

    // TorchSharp has no name for the libtorch below it; the bridge has, and where there is no bridge the package decides.
    private static unsafe string LibtorchVersion()
    {
        if (NativeLibrary.TryLoad(BridgeLibrary, typeof(torch).Assembly, null, out nint bridge) && NativeLibrary.TryGetExport(bridge, "gg_version", out nint version))
        {
            return Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)version)())!;
        }

        return $"that of TorchSharp {__version__}";
    }
}
