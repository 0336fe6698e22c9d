using System.Diagnostics;
using System.Globalization;
using GumbelGan.Engine;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Benchmarks.Kernels;

/// <summary>
/// What the machine can do at the moment: the rate of the product that RelGAN's discriminator spends its time on, [8192, 1200] times [1200, 1200], by
/// libtorch and by our kernel. The yardstick beside timings on a machine that is shared.
/// </summary>
internal static class ProductRate
{
    private const int Rows = 8192, Width = 1200, Repeats = 7;

    public static unsafe void Run(TextWriter writer)
    {
        EngineSettings.Prepare(0);
        using Tensor left = randn(Rows, Width), right = randn(Width, Width), result = empty(Rows, Width);
        RowParallel parallel = RowParallel.Shared(get_num_threads());
        using var packed = new PackedMatrix(Width, Width);
        packed.PackTransposed(parallel, TensorMemory.Pointer(right));
        Report("libtorch, A B'", () => left.mm(right.t()).Dispose());
        Report("libtorch, A' B", () => left.t().mm(result).Dispose());
        Report("ours, A B'", () => packed.Multiply(parallel, TensorMemory.Pointer(left), Rows, TensorMemory.Pointer(result), false));

        using var highway = new HighwayScore(parallel, Rows, Width, isShared: true);
        using Tensor output = randn(Width), scores = empty(Rows), factors = ones(Rows, Width), into = empty(Rows, Width), small = empty(3, Width),
            square = empty(Width, Width);
        float* At(Tensor tensor) => TensorMemory.Pointer(tensor);
        Report("highway forward", () => highway.Forward(At(left), Rows, At(factors), At(right), At(output), At(output), At(scores)));
        Report("highway backward, twice the work", () => highway.Backward(At(scores), At(left), Rows, At(factors), At(right), At(output), At(output),
            new HighwayGradients { Features = At(into), Transform = At(square), Second = At(small), Output = At(small) + Width }));
        using var filters = new FilterMaxima(parallel, Rows, 20, 1, 300, [2, 3, 4, 5]);
        filters.Begin([.. Enumerable.Repeat(20, Rows)], 20);
        new ReadOnlySpan<float>(At(left), Rows * 20).CopyTo(new Span<float>(filters.Inputs, Rows * 20));
        for (int i = 0; i < 4; i++)
        {
            filters.Pack(i, At(right), At(output));
        }

        Report("filters forward", () => filters.Forward(At(into)));
        Report("filters backward, inputs", () => filters.Backward(At(left), At(factors), null, null));
        float*[] weights = [At(right), At(right) + 2000, At(right) + 4000, At(right) + 6000], biases = [At(small), At(small), At(small), At(small)];
        Report("filters backward, weights", () => filters.Backward(At(left), null, weights, biases));
        Report("dropout", () => RandomFill.Dropout(new RandomKey(1), .25, TensorMemory.Numbers(into)));

        void Report(string name, Action product)
        {
            double seconds = double.MaxValue;
            for (int repeat = 0; repeat < Repeats; repeat++)
            {
                long start = Stopwatch.GetTimestamp();
                product();
                seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}: {2.0 * Rows * Width * Width / seconds / 1e9:F0} GFLOP/s, {seconds * 1000:F1} ms"));
        }
    }
}
