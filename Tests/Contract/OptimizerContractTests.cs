using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>Adam and gradient clipping against their equations, and their fused passes against libtorch's own operations.</summary>
public sealed class OptimizerContractTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(ScalarType.Float64, 0.0, 1e-12)]
    [InlineData(ScalarType.Float64, 0.1, 1e-12)]
    [InlineData(ScalarType.Float32, 0.0, 2e-6)]
    [InlineData(ScalarType.Float32, 0.1, 2e-6)]
    public void Adam_follows_Kingma_and_Bas_equations(ScalarType type, double decay, double tolerance)
    {
        const double Rate = 0.01, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-3;
        double[] theta = [1, -2, 0.5], m = new double[3], v = new double[3];
        Parameter parameter = nn.Parameter(tensor(theta, type));
        using Adam adam = optim.Adam([parameter], Rate, Beta1, Beta2, Epsilon, decay);
        for (int step = 1; step <= 6; step++)
        {
            double[] gradient = [0.3 * step, -1.0 / step, step % 2 == 0 ? 1e-4 : 0];
            parameter.grad = tensor(gradient, type);
            Assert.Null(adam.step());
            for (int i = 0; i < theta.Length; i++)
            {
                double g = gradient[i] + (decay * theta[i]);
                m[i] = (Beta1 * m[i]) + ((1 - Beta1) * g);
                v[i] = (Beta2 * v[i]) + ((1 - Beta2) * g * g);
                theta[i] -= Rate * (m[i] / (1 - Math.Pow(Beta1, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(Beta2, step))) + Epsilon);
            }

            Numbers.AreClose(theta, parameter, tolerance);
        }

        var state = (Adam.State)adam.state_dict().State.Single();
        Assert.Equal(6, state.step);
        Numbers.AreClose(m, state.exp_avg, tolerance);
        Numbers.AreClose(v, state.exp_avg_sq, tolerance);
    }

    [Fact]
    public void The_fused_step_agrees_with_libtorchs_operations_for_every_length()
    {
        using var generator = new Generator(1);
        foreach (long length in new long[] { 1, 3, 7, 8, 9, 31, 1000, 4097 })
        {
            foreach (double decay in new[] { 0, 0.01 })
            {
                Tensor start = randn([length], generator: generator);
                // A parameter that is not contiguous is stepped by libtorch's operations.
                Parameter fused = nn.Parameter(start.clone()), composed = nn.Parameter(stack([start, start], 1).narrow(1, 0, 1));
                Assert.Equal(length == 1, composed.is_contiguous());
                using Adam one = optim.Adam([fused], 0.01, weight_decay: decay), other = optim.Adam([composed], 0.01, weight_decay: decay);
                for (int step = 0; step < 5; step++)
                {
                    Tensor gradient = randn([length], generator: generator) * Math.Pow(10, -step);
                    fused.grad = gradient;
                    composed.grad = stack([gradient, gradient], 1).narrow(1, 0, 1);
                    one.step();
                    other.step();
                }

                Numbers.AreClose(Numbers.Of(composed), fused, 1e-6);
            }
        }
    }

    [Fact]
    public void Neither_the_step_nor_the_clipping_depends_on_the_number_of_threads()
    {
        int before = get_num_threads();
        try
        {
            byte[][] results = [.. new[] { 1, 2, 3, 7 }.Select(After)];
            Assert.All(results, result => Assert.True(results[0].AsSpan().SequenceEqual(result)));
        }
        finally
        {
            set_num_threads(before);
        }

        static byte[] After(int threads)
        {
            using DisposeScope scope = NewDisposeScope();
            using var generator = new Generator(2);
            set_num_threads(threads);
            Parameter[] parameters = [.. new long[] { 300_001, 17, 200_000, 65_536 }.Select(length => nn.Parameter(randn([length], generator: generator)))];
            using Adam adam = optim.Adam(parameters, 0.01);
            double norm = 0;
            for (int step = 0; step < 2; step++)
            {
                Array.ForEach(parameters, parameter => parameter.grad = randn(parameter.shape, generator: generator));
                norm += nn.utils.clip_grad_norm_(parameters, 1.5);
                adam.step();
            }

            return [.. parameters.SelectMany(parameter => parameter.bytes.ToArray()), .. BitConverter.GetBytes(norm)];
        }
    }

    [Fact]
    public void A_fused_write_is_seen_by_a_graph_that_saved_the_parameter()
    {
        Parameter parameter = nn.Parameter(ones([4]));
        Tensor loss = (parameter * parameter).sum();
        parameter.grad = ones([4]);
        using Adam adam = optim.Adam([parameter]);
        adam.step();
        Assert.Contains("modified by an inplace operation", Assert.Throws<ExternalException>(() => loss.backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_moment_that_fades_ends_at_zero_and_not_at_a_denormal()
    {
        Parameter parameter = nn.Parameter(ones([9]));
        using Adam adam = optim.Adam([parameter], 1e-3, beta1: 0.7, beta2: 0.7);
        parameter.grad = ones([9]);
        // Seven tenths of the smallest denormal round to itself: without help it never fades.
        for (int step = 0; step < 500; step++)
        {
            adam.step();
            parameter.grad = zeros([9]);
        }

        var state = (Adam.State)adam.state_dict().State[0];
        Numbers.AreClose(new double[9], state.exp_avg, 0);
        Numbers.AreClose(new double[9], state.exp_avg_sq, 0);
    }

    [Fact]
    public void Parameters_without_a_gradient_rest_and_keep_their_own_count_of_steps()
    {
        Parameter moving = nn.Parameter(ones([1])), resting = nn.Parameter(ones([1]));
        using Adam adam = optim.Adam([moving, resting], 0.1);
        moving.grad = ones([1]);
        adam.step();
        Assert.Equal([1L, 0L], adam.state_dict().State.Cast<Adam.State>().Select(state => state.step));
        // The first step of Adam is the rate itself, whatever the gradient.
        Numbers.AreClose([0.9], moving, 1e-6);
        Numbers.AreClose([1], resting);
        adam.zero_grad();
        Assert.True(moving.grad is null || moving.grad.item<float>() == 0);
        Assert.Same(moving, adam.parameters().First());
    }

    [Fact]
    public void The_learning_rate_can_be_changed_between_steps()
    {
        Parameter parameter = nn.Parameter(zeros([1], ScalarType.Float64));
        using Adam adam = optim.Adam([parameter], 0.1);
        optim.ILearningRateController group = adam.ParamGroups.Single();
        Assert.Equal(0.1, group.LearningRate);
        Assert.Equal(0.1, group.InitialLearningRate);
        group.LearningRate = 0.5;
        parameter.grad = ones([1], ScalarType.Float64);
        adam.step();
        Numbers.AreClose([-0.5], parameter, 1e-6);
        Assert.Equal(0.1, group.InitialLearningRate);
    }

    [Fact]
    public void A_closure_runs_with_gradients_and_gives_its_loss_back()
    {
        Parameter parameter = nn.Parameter(ones([1]));
        using Adam adam = optim.Adam([parameter], 0.1);
        using IDisposable off = no_grad();
        using Tensor loss = adam.step(() =>
        {
            Tensor value = (parameter * 3).sum();
            value.backward();
            return value;
        })!;
        Assert.Equal(3f, loss.item<float>());
        Numbers.AreClose([0.9], parameter, 1e-6);
    }

    [Fact]
    public void A_restored_state_continues_as_if_nothing_had_happened()
    {
        Parameter straight = nn.Parameter(ones([5])), stopped = nn.Parameter(ones([5]));
        Adam one = optim.Adam([straight], 0.1), first = optim.Adam([stopped], 0.1);
        Steps(one, straight, 0, 3);
        Steps(first, stopped, 0, 3);
        Adam second = optim.Adam([stopped], 0.1);
        var from = (Adam.State)first.state_dict().State[0];
        var to = (Adam.State)second.state_dict().State[0];
        to.step = from.step;
        to.exp_avg.copy_(from.exp_avg);
        to.exp_avg_sq.copy_(from.exp_avg_sq);
        Steps(one, straight, 3, 6);
        Steps(second, stopped, 3, 6);
        Assert.True(straight.bytes.SequenceEqual(stopped.bytes));

        static void Steps(Adam adam, Parameter parameter, int from, int to)
        {
            for (int step = from; step < to; step++)
            {
                parameter.grad = full([5], 0.1 * (step + 1));
                adam.step();
            }
        }
    }

    [Fact]
    public void A_loaded_state_dictionary_carries_moments_and_steps()
    {
        Parameter a = nn.Parameter(ones([2])), b = nn.Parameter(ones([2]));
        Adam from = optim.Adam([a], 0.1), to = optim.Adam([b], 0.1);
        a.grad = full([2], 4.0);
        from.step();
        to.load_state_dict(from.state_dict());
        var state = (Adam.State)to.state_dict().State[0];
        Assert.Equal(1, state.step);
        Numbers.AreClose([0.4, 0.4], state.exp_avg);
        Assert.Throws<ArgumentException>(() => optim.Adam([a, b]).load_state_dict(from.state_dict()));
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Parameter[] parameters = [nn.Parameter(ones([1]))];
        Assert.Throws<ArgumentException>(() => optim.Adam(parameters, -1));
        Assert.Throws<ArgumentException>(() => optim.Adam(parameters, beta1: 1));
        Assert.Throws<ArgumentException>(() => optim.Adam(parameters, beta2: -0.1));
        Assert.Throws<ArgumentException>(() => optim.Adam(parameters, eps: -1));
        Assert.Throws<ArgumentException>(() => optim.Adam(parameters, weight_decay: -1));
    }

    [Fact]
    public void A_thousand_steps_leave_nothing_behind()
    {
        Parameter[] parameters = [nn.Parameter(ones([40])), nn.Parameter(ones([3, 3]))];
        using Adam adam = optim.Adam(parameters);
        NativeMemory.StaysFlat(1000, () =>
        {
            using DisposeScope scope = NewDisposeScope();
            adam.zero_grad();
            (parameters[0].square().sum() + parameters[1].square().sum()).backward();
            nn.utils.clip_grad_norm_(parameters, 1);
            adam.step();
        });
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void Clipping_scales_the_joint_norm_down_to_its_limit_and_never_up(ScalarType type)
    {
        Parameter a = nn.Parameter(zeros([2], type)), b = nn.Parameter(zeros([1], type)), without = nn.Parameter(zeros([1], type));
        a.grad = tensor([3.0, 4.0], type);
        b.grad = tensor([12.0], type);
        Assert.Equal(13, nn.utils.clip_grad_norm_([a, b, without], 20), 1e-5);
        Numbers.AreClose([3, 4], a.grad!);
        Assert.Equal(13, nn.utils.clip_grad_norm_([a, b, without], 6.5), 1e-5);
        Numbers.AreClose([1.5, 2], a.grad!, 1e-6);
        Numbers.AreClose([6], b.grad!, 1e-6);
        Assert.Null(without.grad);
        Assert.Equal(9.5, nn.utils.clip_grad_norm_([a, b], 100, norm_type: 1), 1e-5);
        Assert.Equal(0, nn.utils.clip_grad_norm_([without], 1));
    }

    [Fact]
    public void The_fused_norm_agrees_with_libtorchs_for_every_length()
    {
        using var generator = new Generator(6);
        foreach (long length in new long[] { 1, 5, 8, 4095, 4096, 4097, 140_000 })
        {
            Parameter parameter = nn.Parameter(zeros([length]));
            parameter.grad = randn([length], generator: generator);
            double expected = Math.Sqrt(parameter.grad!.to(ScalarType.Float64).square().sum().item<double>());
            Assert.Equal(expected, nn.utils.clip_grad_norm_([parameter], 0.5), expected * 1e-6);
            Assert.Equal(0.5, parameter.grad!.norm().item<float>(), 1e-5);
        }
    }

    [Fact]
    public void A_norm_that_is_not_a_number_shows_in_every_gradient()
    {
        Parameter a = nn.Parameter(zeros([2])), b = nn.Parameter(zeros([1]));
        a.grad = tensor([float.NaN, 1f]);
        b.grad = tensor([1f]);
        Assert.True(double.IsNaN(nn.utils.clip_grad_norm_([a, b], 1)));
        Assert.True(float.IsNaN(b.grad!.item<float>()));
    }
}
