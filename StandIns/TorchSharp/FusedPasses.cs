using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp.Native;

namespace TorchSharp;

/// <summary>
/// Passes over the memory of contiguous float32 CPU tensors that would take libtorch a dozen passes each. Every element is computed by the same
/// operations whatever the vector width, and sums are taken block by block in a fixed order, so no result depends on the number of threads.
/// </summary>
internal static unsafe class FusedPasses
{
    // The loops are compiled at full optimisation from the first call: they do all the work of a call, and there is none before them to learn from.
    // Below this many elements a second thread costs more than it saves.
    private const long ElementsWorthAThread = 1 << 16;
    private const int SumBlock = 1 << 12;

    // A moment that fades can stick at a denormal for ever, and arithmetic on denormals costs a hundred times that on others.
    private const float SmallestNormal = 1.17549435e-38f;

    /// <summary>Where the elements of a tensor lie.</summary>
    internal readonly record struct Elements(nint Memory, long Count);

    /// <summary>One parameter's share of a step of Adam: its memory, and what depends on its own count of steps.</summary>
    internal readonly record struct AdamUpdate(nint Parameter, nint Gradient, nint Average, nint AverageOfSquares, long Count, float StepSize, float InverseRoot);

    /// <summary>What is common to all parameters in a step of Adam.</summary>
    internal readonly record struct AdamConstants(float Beta1, float OneMinusBeta1, float Beta2, float OneMinusBeta2, float Epsilon, float WeightDecay);

    /// <summary>Finds the elements of a tensor that these passes can work on.</summary>
    internal static bool TryElements(torch.Tensor tensor, out Elements elements)
    {
        TensorInfo info = tensor.Info;
        elements = new Elements((nint)info.Data, info.Elements);
        return info.DeviceType == (int)DeviceType.CPU && info.ScalarType == (int)torch.ScalarType.Float32 && info.IsContiguous != 0;
    }

    /// <summary>Tells autograd that these tensors were written.</summary>
    internal static void BumpVersions(ReadOnlySpan<torch.Tensor> tensors)
    {
        nint[] handles = new nint[tensors.Length];
        for (int i = 0; i < handles.Length; i++)
        {
            handles[i] = tensors[i].Handle;
        }

        fixed (nint* first = handles)
        {
            NativeMethods.Check(NativeMethods.gg_bump_versions(first, handles.Length));
        }
    }

    internal static void Adam(IReadOnlyList<AdamUpdate> updates, AdamConstants constants) =>
        Split(updates.Sum(update => update.Count), (from, to) =>
        {
            long start = 0;
            foreach (AdamUpdate update in updates)
            {
                long first = Math.Max(from - start, 0), last = Math.Min(to - start, update.Count);
                if (first < last)
                {
                    Adam(update, constants, first, last);
                }

                start += update.Count;
            }
        });

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Adam(AdamUpdate update, AdamConstants constants, long first, long last)
    {
        float* parameter = (float*)update.Parameter, gradient = (float*)update.Gradient;
        float* average = (float*)update.Average, averageOfSquares = (float*)update.AverageOfSquares;
        var smallest = new Vector<float>(SmallestNormal);
        var epsilon = new Vector<float>(constants.Epsilon);
        bool decays = constants.WeightDecay != 0;
        long i = first;
        for (; i <= last - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> p = Vector.Load(parameter + i);
            Vector<float> g = Vector.Load(gradient + i);
            g = decays ? g + (p * constants.WeightDecay) : g;
            Vector<float> m = (Vector.Load(average + i) * constants.Beta1) + (g * constants.OneMinusBeta1);
            Vector<float> v = (Vector.Load(averageOfSquares + i) * constants.Beta2) + (g * constants.OneMinusBeta2 * g);
            m = Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(m), smallest), Vector<float>.Zero, m);
            v = Vector.ConditionalSelect(Vector.LessThan(v, smallest), Vector<float>.Zero, v);
            Vector<float> denominator = (Vector.SquareRoot(v) * update.InverseRoot) + epsilon;
            Vector.Store(m, average + i);
            Vector.Store(v, averageOfSquares + i);
            Vector.Store(p - (m * update.StepSize / denominator), parameter + i);
        }

        for (; i < last; i++)
        {
            float p = parameter[i];
            float g = decays ? gradient[i] + (p * constants.WeightDecay) : gradient[i];
            float m = (average[i] * constants.Beta1) + (g * constants.OneMinusBeta1);
            float v = (averageOfSquares[i] * constants.Beta2) + (g * constants.OneMinusBeta2 * g);
            average[i] = m = MathF.Abs(m) < SmallestNormal ? 0 : m;
            averageOfSquares[i] = v = v < SmallestNormal ? 0 : v;
            parameter[i] = p - (m * update.StepSize / ((MathF.Sqrt(v) * update.InverseRoot) + constants.Epsilon));
        }
    }

    /// <summary>The sum of all squares, to about 1e-7 of itself.</summary>
    internal static double SumOfSquares(IReadOnlyList<Elements> tensors)
    {
        long blocks = tensors.Sum(tensor => (tensor.Count + SumBlock - 1) / SumBlock);
        double[] sums = new double[blocks];
        Split(blocks * SumBlock, (from, to) =>
        {
            long block = 0;
            foreach (Elements tensor in tensors)
            {
                for (long first = 0; first < tensor.Count; first += SumBlock, block++)
                {
                    if (block * SumBlock >= from && block * SumBlock < to)
                    {
                        sums[block] = SumOfSquares((float*)tensor.Memory + first, (int)Math.Min(SumBlock, tensor.Count - first));
                    }
                }
            }
        });
        return sums.Sum();
    }

    // A block is short enough for float32 sums in many lanes; the blocks are added in float64.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSquares(float* values, int count)
    {
        Vector<float> first = Vector<float>.Zero, second = Vector<float>.Zero, third = Vector<float>.Zero, fourth = Vector<float>.Zero;
        int width = Vector<float>.Count, i = 0;
        for (; i <= count - (4 * width); i += 4 * width)
        {
            Vector<float> a = Vector.Load(values + i), b = Vector.Load(values + i + width);
            Vector<float> c = Vector.Load(values + i + (2 * width)), d = Vector.Load(values + i + (3 * width));
            first += a * a;
            second += b * b;
            third += c * c;
            fourth += d * d;
        }

        double total = Vector.Sum((first + second) + (third + fourth));
        for (; i < count; i++)
        {
            total += (double)values[i] * values[i];
        }

        return total;
    }

    internal static void Scale(IReadOnlyList<Elements> tensors, float factor) =>
        Split(tensors.Sum(tensor => tensor.Count), (from, to) =>
        {
            long start = 0;
            foreach (Elements tensor in tensors)
            {
                Scale((float*)tensor.Memory, factor, Math.Max(from - start, 0), Math.Min(to - start, tensor.Count));
                start += tensor.Count;
            }
        });

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(float* values, float factor, long first, long last)
    {
        long i = first;
        for (; i <= last - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Store(Vector.Load(values + i) * factor, values + i);
        }

        for (; i < last; i++)
        {
            values[i] *= factor;
        }
    }

    // Runs the body on ranges that together are 0 .. count, each a whole number of blocks but the last.
    private static void Split(long count, Action<long, long> body)
    {
        int threads = (int)Math.Min(torch.get_num_threads(), count / ElementsWorthAThread);
        if (threads <= 1)
        {
            body(0, count);
            return;
        }

        long share = ((count / threads) + SumBlock - 1) / SumBlock * SumBlock;
        Parallel.For(0, threads, part => body(Math.Min(part * share, count), part == threads - 1 ? count : Math.Min((part + 1) * share, count)));
    }
}
