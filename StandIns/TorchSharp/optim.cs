using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public static Adam Adam(IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay);

            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            public abstract class Optimizer : IDisposable
            {
                public abstract IEnumerable<ILearningRateController> ParamGroups { get; }

                public abstract IEnumerable<Parameter> parameters();

                public abstract Tensor? step(Func<Tensor>? closure = null);

                /// <summary>The options of each group and the state of each parameter, in order.</summary>
                public class StateDictionary
                {
                    public List<OptimizerState> State { get; init; } = [];
                }

                public void zero_grad()
                {
                    foreach (Parameter parameter in parameters())
                    {
                        parameter.grad = null;
                    }
                }

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    public class ParamGroup : torch.optim.ILearningRateController
    {
        public double LearningRate { get; set; }

        public double InitialLearningRate { get; set; }
    }

    /// <summary>State that an optimizer keeps for one parameter.</summary>
    public abstract class OptimizerState
    {
    }

    /// <summary>Adam (Kingma and Ba 2015) with PyTorch's arithmetic: bias corrections applied to the step size and under the root, epsilon added after it.</summary>
    public sealed class Adam : torch.optim.Optimizer
    {
        private readonly Parameter[] _parameters;
        private readonly ParamGroup _group;
        private readonly (double Beta1, double Beta2, double Eps, double WeightDecay) _options;
        private readonly State[] _states;

        /// <exception cref="ArgumentException">A negative rate, epsilon or decay, or a beta outside [0, 1).</exception>
        public Adam(IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
        {
            Require(lr >= 0, $"Invalid learning rate: {lr}");
            Require(eps >= 0, $"Invalid ε: {eps}");
            Require(beta1 is >= 0 and < 1, $"Invalid beta1: {beta1}");
            Require(beta2 is >= 0 and < 1, $"Invalid beta2: {beta2}");
            Require(weight_decay >= 0, $"Invalid weight_decay value: {weight_decay}");
            _parameters = [.. parameters];
            _group = new ParamGroup { LearningRate = lr, InitialLearningRate = lr };
            _options = (beta1, beta2, eps, weight_decay);
            _states = [.. _parameters.Select(parameter => new State(parameter))];
        }

        private static void Require(bool condition, FormattableString otherwise)
        {
            if (!condition)
            {
                throw new ArgumentException(FormattableString.Invariant(otherwise));
            }
        }

        public override IEnumerable<torch.optim.ILearningRateController> ParamGroups => [_group];

        public override IEnumerable<Parameter> parameters() => _parameters;

        /// <summary>The state itself, not a copy of it.</summary>
        public StateDictionary state_dict() => new() { State = [.. _states] };

        public void load_state_dict(StateDictionary state_dict)
        {
            if (state_dict.State.Count != _states.Length)
            {
                throw new ArgumentException($"The state of {state_dict.State.Count} parameters does not fit an optimizer of {_states.Length}.");
            }

            for (int i = 0; i < _states.Length; i++)
            {
                var source = (State)state_dict.State[i];
                if (!ReferenceEquals(source, _states[i]))
                {
                    _states[i].step = source.step;
                    _states[i].exp_avg.copy_(source.exp_avg);
                    _states[i].exp_avg_sq.copy_(source.exp_avg_sq);
                }
            }
        }

        public override torch.Tensor? step(Func<torch.Tensor>? closure = null)
        {
            torch.Tensor? loss = null;
            if (closure is not null)
            {
                using IDisposable on = torch.enable_grad();
                loss = closure();
            }

            using DisposeScope scope = torch.NewDisposeScope();
            using IDisposable off = torch.no_grad();
            (double beta1, double beta2, double eps, double weightDecay) = _options;
            var updates = new List<FusedPasses.AdamUpdate>(_parameters.Length);
            var written = new List<torch.Tensor>(3 * _parameters.Length);
            for (int i = 0; i < _parameters.Length; i++)
            {
                if (_parameters[i].grad is not { } gradient)
                {
                    continue;
                }

                State state = _states[i];
                state.step++;
                double stepSize = _group.LearningRate / (1 - Math.Pow(beta1, state.step)), root = Math.Sqrt(1 - Math.Pow(beta2, state.step));
                if (FusedPasses.TryElements(_parameters[i], out FusedPasses.Elements parameter) && FusedPasses.TryElements(gradient, out FusedPasses.Elements slope)
                    && FusedPasses.TryElements(state.exp_avg, out FusedPasses.Elements average) && FusedPasses.TryElements(state.exp_avg_sq, out FusedPasses.Elements square))
                {
                    updates.Add(new(parameter.Memory, slope.Memory, average.Memory, square.Memory, parameter.Count, (float)stepSize, (float)(1 / root)));
                    written.AddRange([_parameters[i], state.exp_avg, state.exp_avg_sq]);
                }
                else
                {
                    Compose(_parameters[i], gradient, state, stepSize, root);
                }
            }

            FusedPasses.Adam(updates, new((float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)eps, (float)weightDecay));
            FusedPasses.BumpVersions([.. written]);
            return loss;
        }

        // The same update in libtorch's operations: any element type, layout and device.
        private void Compose(Parameter parameter, torch.Tensor gradient, State state, double stepSize, double root)
        {
            (double beta1, double beta2, double eps, double weightDecay) = _options;
            if (weightDecay != 0)
            {
                gradient = gradient.add(parameter, alpha: weightDecay);
            }

            state.exp_avg.mul_(beta1).add_(gradient, alpha: 1 - beta1);
            state.exp_avg_sq.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
            parameter.addcdiv_(state.exp_avg, state.exp_avg_sq.sqrt().div_(root).add_(eps), -stepSize);
        }

        protected override void Dispose(bool disposing)
        {
            foreach (State state in _states)
            {
                state.exp_avg.Dispose();
                state.exp_avg_sq.Dispose();
            }
        }

        /// <summary>The moments of one parameter.</summary>
        public sealed class State : OptimizerState
        {
            internal State(Parameter parameter)
            {
                using IDisposable off = torch.no_grad();
                exp_avg = torch.zeros_like(parameter).DetachFromDisposeScope();
                exp_avg_sq = torch.zeros_like(parameter).DetachFromDisposeScope();
            }

            public long step;
            public torch.Tensor exp_avg;
            public torch.Tensor exp_avg_sq;
        }
    }
}
