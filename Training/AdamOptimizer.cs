using System.Runtime.InteropServices;
using GumbelGan.Engine;
using GumbelGan.Kernels;
using GumbelGan.Storage;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>
/// Adam (Kingma and Ba 2015) over the parameters of one module, with gradients clipped at a joint norm: one fused pass over memory on the CPU, plain
/// tensor operations elsewhere. Its state is saved and loaded by the parameters' names.
/// </summary>
/// <remarks>
/// The formula is PyTorch's, its epsilon of 1e-8 and second decay of .999 included. A parameter without a gradient is left alone, as there. Weight
/// decay is decoupled (Loshchilov and Hutter 2019) and acts on matrices alone, embeddings among them; biases keep their freedom.
/// </remarks>
public sealed class AdamOptimizer : IDisposable
{
    private const double Beta2 = 0.999, Epsilon = 1e-8;
    private const double NormEpsilon = 1e-6;
    private readonly double _beta1, _weightDecay;
    private readonly AdamKernel _kernel = new(RowParallel.Shared(get_num_threads()));
    private readonly bool _isOnCpu;
    private readonly (string Name, Parameter Parameter, State State)[] _parameters;

    /// <summary>An optimizer without any moments yet.</summary>
    /// <param name="module">What learns; it must outlive the optimizer.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="weightDecay">Before a step with rate r, matrices are multiplied by 1 - r times this.</param>
    public AdamOptimizer(nn.Module module, double learningRate, double beta1 = 0.9, double weightDecay = 0)
    {
        (LearningRate, _beta1, _weightDecay) = (learningRate, beta1, weightDecay);
        _parameters = [.. module.named_parameters()
            .Select(named => (named.name, named.parameter, new State(zeros_like(named.parameter), zeros_like(named.parameter))))];
        _isOnCpu = Array.TrueForAll(_parameters, entry => entry.Parameter.device.type == DeviceType.CPU);
        foreach ((string _, Parameter _, State state) in _parameters)
        {
            state.Average.DetachFromDisposeScope();
            state.AverageOfSquares.DetachFromDisposeScope();
        }
    }

    /// <summary>Step size of the next step.</summary>
    public double LearningRate { get; set; }

    /// <summary>Backward, clip, step; where the loss or the gradient is no finite number, nothing is changed.</summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="clipNorm">Gradients are scaled down to this joint Euclidean norm; 0 leaves them as they are.</param>
    /// <param name="exchange">Averages loss and gradients over the ranks first; null where there is one.</param>
    public ParameterUpdate Minimise(Tensor loss, double clipNorm, GradientExchange? exchange = null)
    {
        // The gradients that fused nodes return must live until libtorch has taken them, which the scope sees to.
        using DisposeScope scope = NewDisposeScope();
        foreach ((string _, Parameter parameter, State _) in _parameters)
        {
            parameter.grad = null;
        }

        loss.backward();
        BackwardFailure.Throw();
        using IDisposable off = no_grad();
        var learning = new List<(Parameter Parameter, State State, Tensor Gradient)>(_parameters.Length);
        foreach ((string _, Parameter parameter, State state) in _parameters)
        {
            if (parameter.grad is { } gradient)
            {
                learning.Add((parameter, state, gradient.is_contiguous() ? gradient : gradient.contiguous()));
            }
        }

        float value = loss.item<float>();
        value = exchange?.Average([.. learning.Select(entry => entry.Gradient)], value) ?? value;
        bool isFused = _isOnCpu;
        AdamParameter[] memory = isFused ? [.. learning.Select(entry => Memory(entry.Parameter, entry.State, entry.Gradient))] : [];
        double norm = isFused
            ? _kernel.GradientNorm(memory) : Math.Sqrt(learning.Sum(entry => entry.Gradient.square().sum(ScalarType.Float64).item<double>()));
        if (!double.IsFinite(norm) || !float.IsFinite(value))
        {
            return new ParameterUpdate(IsFinite: false, norm, value);
        }

        double scale = clipNorm == 0 ? 1 : Math.Min(1, clipNorm / (norm + NormEpsilon));
        foreach ((Parameter parameter, State state, Tensor gradient) in learning)
        {
            state.Steps++;
            if (!isFused)
            {
                ComposedStep(parameter, state, gradient * scale);
            }
        }

        if (isFused)
        {
            _kernel.Step(memory, (float)scale, LearningRate, _beta1, Beta2, Epsilon);
        }

        return new ParameterUpdate(IsFinite: true, norm, value);
    }

    /// <summary>The moments, named after the parameters they belong to, and each parameter's step count.</summary>
    public IEnumerable<SafetensorsEntry> Entries()
    {
        foreach ((string name, Parameter _, State state) in _parameters)
        {
            yield return ModuleWeights.Entry($"{name}.exp_avg", state.Average);
            yield return ModuleWeights.Entry($"{name}.exp_avg_sq", state.AverageOfSquares);
            yield return SafetensorsEntry.Create<long>($"{name}.step", [], [state.Steps]);
        }
    }

    /// <summary>Takes the moments in <paramref name="file"/>.</summary>
    /// <exception cref="UserMistakeException">A moment is missing, unknown, or has another shape or type; nothing has been changed.</exception>
    public void Load(SafetensorsFile file)
    {
        long[] steps = [.. _parameters.Select(entry => StepsOf(entry.Name, file))];
        ModuleWeights.Load(
            [.. _parameters.SelectMany(entry => new[] { ($"{entry.Name}.exp_avg", entry.State.Average),
                ($"{entry.Name}.exp_avg_sq", entry.State.AverageOfSquares) })], file, _parameters.Length);
        for (int i = 0; i < steps.Length; i++)
        {
            _parameters[i].State.Steps = steps[i];
        }
    }

    /// <summary>Begins anew, without moments.</summary>
    public void Forget()
    {
        using IDisposable off = no_grad();
        foreach ((string _, Parameter _, State state) in _parameters)
        {
            state.Average.zero_();
            state.AverageOfSquares.zero_();
            state.Steps = 0;
        }
    }

    /// <summary>Replaces the moments by those of rank 0.</summary>
    internal void Share(ICollective ranks)
    {
        ranks.Share(_parameters.SelectMany(entry => new[] { entry.State.Average, entry.State.AverageOfSquares }));
        long[] steps = [.. _parameters.Select(entry => entry.State.Steps)];
        ranks.Broadcast(MemoryMarshal.AsBytes(steps.AsSpan()));
        for (int i = 0; i < steps.Length; i++)
        {
            _parameters[i].State.Steps = steps[i];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((string _, Parameter _, State state) in _parameters)
        {
            state.Average.Dispose();
            state.AverageOfSquares.Dispose();
        }
    }

    private static long StepsOf(string name, SafetensorsFile file) =>
        file.Contains($"{name}.step") && file[$"{name}.step"] is { Type: SafetensorsType.I64, Shape.Count: 0 } entry
            ? entry.Values<long>()[0]
            : throw new UserMistakeException($"{file.Path} holds no step count for {name}; use another checkpoint.");

    private unsafe AdamParameter Memory(Parameter parameter, State state, Tensor gradient)
    {
        return new AdamParameter(Address(parameter), Address(gradient), Address(state.Average), Address(state.AverageOfSquares),
            (int)parameter.numel(), state.Steps + 1, DecayOf(parameter));

        static nint Address(Tensor tensor) => (nint)TensorMemory.Pointer(tensor);
    }

    private double DecayOf(Tensor parameter) => parameter.dim() > 1 ? _weightDecay : 0;

    private void ComposedStep(Tensor parameter, State state, Tensor gradient)
    {
        state.Average.mul_(_beta1).add_(gradient * (1 - _beta1));
        state.AverageOfSquares.mul_(Beta2).add_(gradient.square() * (1 - Beta2));
        Tensor denominator = state.AverageOfSquares.sqrt() / Math.Sqrt(1 - Math.Pow(Beta2, state.Steps)) + Epsilon;
        if (DecayOf(parameter) is > 0 and double decay)
        {
            parameter.mul_(1 - LearningRate * decay);
        }

        parameter.sub_(state.Average * (LearningRate / (1 - Math.Pow(_beta1, state.Steps))) / denominator);
    }

    /// <summary>The moments of one parameter.</summary>
    private sealed class State(Tensor average, Tensor averageOfSquares)
    {
        public Tensor Average { get; } = average;

        public Tensor AverageOfSquares { get; } = averageOfSquares;

        public long Steps { get; set; }
    }
}
