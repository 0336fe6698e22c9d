using System.Numerics;
using System.Runtime.CompilerServices;

namespace GumbelGan.Kernels;

/// <summary>
/// The memory and step count of one parameter of n numbers, for <see cref="AdamKernel"/>.
/// </summary>
/// <param name="Parameter">[n], changed.</param>
/// <param name="Gradient">[n].</param>
/// <param name="Average">[n], the first moment, changed.</param>
/// <param name="AverageOfSquares">[n], the second moment, changed.</param>
/// <param name="Count">n.</param>
/// <param name="Step">How many steps it has made, this one included; at least 1.</param>
/// <param name="Decay">What a step with rate r multiplies the parameter by first is 1 - r times this; 0 leaves it.</param>
public readonly record struct AdamParameter(
    nint Parameter, nint Gradient, nint Average, nint AverageOfSquares, int Count, long Step, double Decay = 0);

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1), with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), in one pass over memory, where
/// plain tensor operations make a dozen, and the joint norm of the gradients. A step gives the same bits for every vector width and number of
/// threads. Sums are taken block by block in a fixed order, so that they do not depend on the threads either.
/// </summary>
/// <param name="parallel">The threads.</param>
public sealed unsafe class AdamKernel(RowParallel parallel)
{
    private const int Block = 1 << 12;

    // With fewer blocks, waking a second thread costs more than it saves.
    private const int BlocksWorthSharing = 8;

    // Smaller moments become zero: a fading moment would stay a denormal for ever, and arithmetic on denormals is about a hundred times slower.
    private const float SmallestNormal = 1.17549435e-38f;

    /// <summary>The Euclidean norm of all gradients together, with a relative error of about 1e-7; NaN or infinite where a gradient is.</summary>
    public double GradientNorm(IReadOnlyList<AdamParameter> parameters)
    {
        (int Parameter, int First)[] blocks = Blocks(parameters);
        double[] sums = new double[blocks.Length];
        parallel.For(blocks.Length, BlocksWorthSharing, (first, end) =>
        {
            for (int block = first; block < end; block++)
            {
                AdamParameter parameter = parameters[blocks[block].Parameter];
                sums[block] = SumOfSquares((float*)parameter.Gradient + blocks[block].First, Math.Min(Block, parameter.Count - blocks[block].First));
            }
        });
        return Math.Sqrt(sums.Sum());
    }

    /// <summary>Makes one step.</summary>
    /// <param name="parameters">The parameters, whose values and moments are changed.</param>
    /// <param name="gradientScale">The factor by which gradients are multiplied first, for clipping.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="epsilon">Added to the root of the second moment.</param>
    public void Step(IReadOnlyList<AdamParameter> parameters, float gradientScale, double learningRate, double beta1, double beta2, double epsilon)
    {
        (int Parameter, int First)[] blocks = Blocks(parameters);
        parallel.For(blocks.Length, BlocksWorthSharing, (first, end) =>
        {
            for (int block = first; block < end; block++)
            {
                AdamParameter parameter = parameters[blocks[block].Parameter];
                var constants = new Constants(
                    gradientScale, (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)epsilon,
                    (float)(learningRate / (1 - Math.Pow(beta1, parameter.Step))), (float)(1 / Math.Sqrt(1 - Math.Pow(beta2, parameter.Step))),
                    (float)(1 - (learningRate * parameter.Decay)));
                Update(parameter, constants, blocks[block].First, Math.Min(parameter.Count, blocks[block].First + Block));
            }
        });
    }

    private static (int Parameter, int First)[] Blocks(IReadOnlyList<AdamParameter> parameters)
    {
        var blocks = new (int, int)[parameters.Sum(parameter => (parameter.Count + Block - 1) / Block)];
        int next = 0;
        for (int parameter = 0; parameter < parameters.Count; parameter++)
        {
            for (int first = 0; first < parameters[parameter].Count; first += Block)
            {
                blocks[next++] = (parameter, first);
            }
        }

        return blocks;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Update(AdamParameter memory, in Constants constants, int first, int end)
    {
        float* parameter = (float*)memory.Parameter, gradient = (float*)memory.Gradient;
        float* average = (float*)memory.Average, averageOfSquares = (float*)memory.AverageOfSquares;
        var smallest = new Vector<float>(SmallestNormal);
        var epsilon = new Vector<float>(constants.Epsilon);
        int i = first;
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> g = Vector.Load(gradient + i) * constants.GradientScale;
            Vector<float> m = (Vector.Load(average + i) * constants.Beta1) + (g * constants.OneMinusBeta1);
            Vector<float> v = (Vector.Load(averageOfSquares + i) * constants.Beta2) + (g * constants.OneMinusBeta2 * g);
            m = Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(m), smallest), Vector<float>.Zero, m);
            v = Vector.ConditionalSelect(Vector.LessThan(v, smallest), Vector<float>.Zero, v);
            Vector.Store(m, average + i);
            Vector.Store(v, averageOfSquares + i);
            Vector<float> denominator = (Vector.SquareRoot(v) * constants.InverseRoot) + epsilon;
            Vector.Store((Vector.Load(parameter + i) * constants.Kept) - (m * constants.StepSize / denominator), parameter + i);
        }

        for (; i < end; i++)
        {
            float g = gradient[i] * constants.GradientScale;
            float m = (average[i] * constants.Beta1) + (g * constants.OneMinusBeta1);
            float v = (averageOfSquares[i] * constants.Beta2) + (g * constants.OneMinusBeta2 * g);
            average[i] = m = MathF.Abs(m) < SmallestNormal ? 0 : m;
            averageOfSquares[i] = v = v < SmallestNormal ? 0 : v;
            parameter[i] = (parameter[i] * constants.Kept) - (m * constants.StepSize / ((MathF.Sqrt(v) * constants.InverseRoot) + constants.Epsilon));
        }
    }

    // Within a block float32 is precise enough for the sums of single lanes; blocks are added in float64.
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

    // StepSize is the learning rate over the first moment's bias correction, InverseRoot one over the root of the second's, Kept the share of a
    // parameter that decay leaves.
    private readonly record struct Constants(
        float GradientScale, float Beta1, float OneMinusBeta1, float Beta2, float OneMinusBeta2, float Epsilon, float StepSize, float InverseRoot,
        float Kept);
}
