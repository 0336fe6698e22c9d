using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Engine;

/// <summary>What the engine underneath is, how fast it multiplies, and what is wrong with it.</summary>
/// <param name="TorchSharp">The version of TorchSharp.</param>
/// <param name="Libtorch">The version of libtorch.</param>
/// <param name="LibtorchPath">The library that is loaded, or null where the system does not say (Linux does).</param>
/// <param name="InitialThreads">Threads of the engine at its start, before a run sets them.</param>
/// <param name="Threads">Threads of the engine when it is told to use every core, as a run does by default.</param>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="CudaDevices">CUDA devices.</param>
/// <param name="Gigaflops">
/// 10^9 floating-point operations a second in a 512 x 512 product, the best of several, on one thread (so that a busy machine does not hide what the
/// library can do).
/// </param>
/// <param name="KeepsArgumentsAlive">Whether TorchSharp is the build's corrected copy; see <c>Engine/Build/CorrectEngine.cs</c>.</param>
/// <param name="ConvolutionError">
/// The largest difference of a convolution's gradients from those of the same sum written as products, over their largest number; NaN where one is.
/// </param>
public sealed record EngineReport(
    string TorchSharp, string Libtorch, string? LibtorchPath, int InitialThreads, int Threads, int Cores, int CudaDevices, double Gigaflops,
        bool KeepsArgumentsAlive, [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] double ConvolutionError)
{
    private const string MemoryMap = "/proc/self/maps";

    /// <summary>Sums of some hundred products of float32 in another order differ by 1e-6; wrong code by about 1.</summary>
    private const double LargestRounding = 1e-4;

    /// <summary>A plain triple loop reaches 1 to 3 on any machine of this century; a tuned library at least ten times that.</summary>
    private const double SlowGigaflops = 8;

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
        return new EngineReport(
            EngineSettings.TorchSharpVersion, EngineSettings.LibtorchVersion, LoadedLibtorch(), initialThreads, threads, Environment.ProcessorCount,
                cuda.is_available() ? cuda.device_count() : 0, gigaflops,
            typeof(torch).Assembly.GetCustomAttribute<DebuggableAttribute>()?.IsJITOptimizerDisabled ?? false, MeasureConvolution());
    }

    /// <summary>What is wrong, each with its remedy; empty if all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (Gigaflops < SlowGigaflops)
        {
            problems.Add(FormattableString.Invariant($"matrix products reach only {Gigaflops:F1} GFLOP/s: close other programs."));
        }

        if (Threads < Cores)
        {
            problems.Add(FormattableString.Invariant(
                $"libtorch uses {Threads} of {Cores} cores although told to use all: unset OMP_THREAD_LIMIT and OMP_NUM_THREADS."));
        }

        if (!KeepsArgumentsAlive)
        {
            problems.Add("TorchSharp.dll is not the copy that the build corrects, so a garbage collection at a bad moment can end a run with an "
                + "error of libtorch: build the solution again.");
        }

        if (!(ConvolutionError <= LargestRounding))
        {
            problems.Add(FormattableString.Invariant(
                $"the gradient of a convolution is wrong (by {ConvolutionError:G2} of its size): unset ONEDNN_MAX_CPU_ISA, or set it to SSE41."));
        }

        return problems;
    }

    /// <summary>What to do about an engine that did not load.</summary>
    public static string Remedy(Exception failure) => failure.GetBaseException() is BadImageFormatException
        ? "The engine's library is for another processor or system: build the solution on this machine ('dotnet build GumbelGan.sln')."
        : "The engine cannot be loaded: build the solution on this machine ('dotnet build GumbelGan.sln').";

    private static double MeasureProduct()
    {
        const int Size = 512;
        using DisposeScope scope = NewDisposeScope();
        Tensor a = ones([Size, Size]); // [512, 512]
        double best = double.MaxValue;
        for (int round = 0; round < 8; round++)
        {
            long start = Stopwatch.GetTimestamp();
            using Tensor product = a.mm(a); // [512, 512]
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return 2.0 * Size * Size * Size / best / 1e9;
    }

    // In the sizes of a small discriminator; a library picks its code by them.
    private static double MeasureConvolution()
    {
        const int Batch = 16, Channels = 32, Filters = 48, Time = 24;
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(1);
        double error = 0;
        foreach (int width in new[] { 1, 2, 3, 5, 8, 12 })
        {
            Tensor input = randn([Batch, Channels, Time], generator: generator).requires_grad_(); // [B, C, T]
            Tensor filters = randn([Filters, Channels, width], generator: generator).requires_grad_(); // [F, C, W]
            Tensor upstream = randn([Batch, Filters, Time - width + 1], generator: generator); // [B, F, T - W + 1]
            Tensor products = zeros_like(upstream);
            for (int place = 0; place < width; place++)
            {
                products += filters[.., .., place].matmul(input[.., .., place..(Time - width + 1 + place)]);
            }

            IList<Tensor> expected = autograd.grad([(products * upstream).sum()], [input, filters]);
            IList<Tensor> returned = autograd.grad([(nn.functional.conv1d(input, filters) * upstream).sum()], [input, filters]);
            foreach ((Tensor right, Tensor value) in expected.Zip(returned))
            {
                // A NaN stays one through every maximum.
                error = double.Max(error, ((value - right).abs().max() / right.abs().max()).item<float>());
            }
        }

        return error;
    }

    private static string? LoadedLibtorch() => !File.Exists(MemoryMap)
        ? null
        : File.ReadLines(MemoryMap).Select(line => line.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? line[slash..] : "")
            .FirstOrDefault(path => path.EndsWith("libtorch_cpu.so", StringComparison.Ordinal));
}
