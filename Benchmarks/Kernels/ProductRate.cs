using System.Diagnostics;
using System.Globalization;
using GumbelGan.Engine;
using GumbelGan.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Benchmarks.Kernels;

/// <summary>
/// What the machine can do at the moment: the rate of the product that RelGAN's discriminator spends its time on, [8192, 1200] times [1200, 1200], by
/// libtorch and by our kernel. The yardstick beside timings on a machine that is shared.
/// </summary>
internal static class ProductRate
{
    private const int Rows = 8192, Width = 1200, Repeats = 7;

    public static unsafe void Run(TextWriter output)
    {
        EngineSettings.Prepare(0);
        using Tensor left = randn(Rows, Width), right = randn(Width, Width), result = empty(Rows, Width);
        RowParallel parallel = RowParallel.Shared(get_num_threads());
        using var packed = new PackedMatrix(Width, Width);
        packed.PackTransposed(parallel, TensorMemory.Pointer(right));
        Report("libtorch, A B'", () => left.mm(right.t()).Dispose());
        Report("libtorch, A' B", () => left.t().mm(result).Dispose());
        Report("ours, A B'", () => packed.Multiply(parallel, TensorMemory.Pointer(left), Rows, TensorMemory.Pointer(result), false));

        void Report(string name, Action product)
        {
            double seconds = double.MaxValue;
            for (int repeat = 0; repeat < Repeats; repeat++)
            {
                long start = Stopwatch.GetTimestamp();
                product();
                seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {2.0 * Rows * Width * Width / seconds / 1e9:F0} GFLOP/s"));
        }
    }
}
